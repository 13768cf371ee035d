//! The wire: what Portcullis takes and what it answers, apart from any transport.
//!
//! | module | what it is |
//! |---|---|
//! | [`operation`] | the one table of what can be asked: routers, documentation and tests are derived from it |
//! | [`request`] | bodies, read member by member, with one message per fault |
//! | [`answer`] | the shapes of success, and the envelope of the device-session surface |
//! | [`refusal`] | the one table from errors to code, status and text, and its three renderings |
//! | [`openapi`] | the OpenAPI 3.1 document, from the table of operations |
//!
//! Nothing here reads a socket or decides anything: requests become the engine's arguments, the engine's results become
//! members in a fixed order.
//!
//! # What can be asked
//!
//! Under each of the six strategies, `/auth/{strategy}/…`, in plain bodies (`refresh` under the two that rotate).
//! *Limited*: a client may ask only so often.
//!
//! | request | who | over TCP | | what it does |
//! |---|---|---|---|---|
//! | `POST register` | anybody | | limited | Sign up |
//! | `POST login` | anybody | | limited | Sign in |
//! | `GET profile` | signed in | | | Who is signed in |
//! | `POST logout` | signed in | | | Sign out |
//! | `POST refresh` | anybody | | limited | Trade a refresh token for the next pair |
//! | `POST password` | signed in | | | Change the password and end every other session |
//!
//! On the device-session surface and its administration, in the envelope. *Form*: a page without a script may post it.
//!
//! | request | who | over TCP | | what it does |
//! |---|---|---|---|---|
//! | `POST /auth/signup` | anybody | `auth.signup` | limited | Sign up |
//! | `POST /auth/login` | anybody | `auth.login` | limited | Sign in, first step |
//! | `POST /auth/login/verify` | anybody | `auth.verifyOtp` | limited | Sign in, second step |
//! | `GET /auth/unlock` | anybody | | limited | Follow the link that ends a lock |
//! | `POST /auth/unlock` | anybody | `auth.unlock` | limited, form | End a lock |
//! | `POST /auth/password` | signed in | | limited | Change the password and end every other session |
//! | `GET /auth/me` | signed in | | | Who is signed in |
//! | `GET /auth/sessions` | signed in | `auth.sessions` | | Where one is signed in |
//! | `PATCH /auth/sessions/{sessionId}` | signed in | | | Name the device of a session |
//! | `POST /auth/logout/session` | signed in | `auth.logoutSession` | | Sign out on one device |
//! | `POST /auth/logout/all` | signed in | `auth.logoutAll` | | Sign out everywhere |
//! | `POST /auth/refresh` | anybody | `auth.refresh` | limited | Trade a refresh token for the next pair |
//! | `GET /auth/health` | anybody | `auth.health` | | The device-session surface is up |
//! | `POST /auth/password/forgot` | anybody | | limited | Ask for a link to choose another password |
//! | `GET /auth/password/reset` | anybody | | limited | Follow the link to choose another password |
//! | `POST /auth/password/reset` | anybody | | limited, form | Choose another password and end all sessions |
//! | `GET /admin/users` | role `admin` | | | List or search the users |
//! | `POST /admin/users` | role `admin` | | | Create a user, who chooses a password by mail |
//! | `GET /admin/users/{userId}` | role `admin` | | | Show a user |
//! | `POST /admin/users/{userId}/disable` | role `admin` | | | Disable a user and end all sessions |
//! | `POST /admin/users/{userId}/enable` | role `admin` | | | Enable a user |
//! | `POST /admin/users/{userId}/unlock` | role `admin` | | | End the lock of a user |
//! | `POST /admin/users/{userId}/role` | role `admin` | | | Give a user another role |
//! | `POST /admin/users/{userId}/reset` | role `admin` | | | Mail a user a link to choose another password |
//! | `GET /admin/users/{userId}/sessions` | role `admin` | | | Where a user is signed in |
//! | `POST /admin/users/{userId}/sessions/{sessionId}/end` | role `admin` | | | End a session of a user |
//! | `POST /admin/users/{userId}/sessions/end-all` | role `admin` | | | End all sessions of a user |
//!
//! Of the service itself:
//!
//! | request | who | over TCP | | what it does |
//! |---|---|---|---|---|
//! | `GET /.well-known/jwks.json` | anybody | | | Public keys of tenant default |
//! | `GET /t/{tenant}/.well-known/jwks.json` | anybody | | | Public keys of a tenant |
//! | `GET /healthz` | anybody | | | The process is up |
//! | `GET /readyz` | anybody | | | The stores answer |

pub mod answer;
pub mod openapi;
pub mod operation;
pub mod refusal;
pub mod request;
