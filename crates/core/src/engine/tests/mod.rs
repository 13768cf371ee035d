mod accounts;
mod keys;
mod outage;
mod passwords;
mod replay;
mod under_way;
