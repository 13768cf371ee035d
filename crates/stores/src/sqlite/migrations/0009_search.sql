-- What a list is searched by has another form; the program writes it anew after this.
UPDATE users SET search = '';
