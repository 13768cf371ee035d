//! Lists and their tasks. Every statement names the owner: another user's list is one that does not exist.

use std::time::Duration;

use axum::http::{StatusCode, request::Parts};
use axum::routing::{get, put};
use axum::{Router, extract::FromRequestParts};
use portcullis::{
    Body, BodyMember, Clock as _, Code, CurrentUser, Engine, NonEmptyText, PrivateJson, Random as _,
    ReadBody, Refusal, RefusalResponse, RequestFaults, StoreError, SystemClock, SystemRandom, ValidBody,
    ValidPath,
};
use serde::Serialize;
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlSafeStr as _, query_as};

use crate::Created;

/// Opens the database, which the stores have made, and makes the tables. Their history stands beside the library's own.
pub(crate) async fn open(database: &str) -> Result<AnyPool, sqlx::Error> {
    install_default_drivers();
    let pool = AnyPoolOptions::new().acquire_timeout(Duration::from_secs(5)).connect(database).await?;
    let tables = include_str!("migrations/0001_lists.sql").into_sql_str();
    let first = Migration::new(1, "lists".into(), MigrationType::Simple, tables, false);
    Migrator::with_migrations(vec![first]).run(&pool).await?;
    Ok(pool)
}

/// An id as MongoDB makes them: a second, and what is random, in 24 hexadecimal digits.
struct ObjectId(String);

impl ObjectId {
    fn generate() -> Self {
        let mut random = [0; 8];
        SystemRandom.fill(&mut random);
        let second = SystemClock.now().as_seconds() & 0xffff_ffff;
        Self(format!("{second:08x}{:016x}", u64::from_be_bytes(random)))
    }
}

impl BodyMember for ObjectId {
    fn read_member(body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self> {
        let is_id = |text: &&str| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match body.text(name).filter(is_id) {
            Some(text) => Some(Self(text.to_ascii_lowercase())),
            None => faults.add(name, "must be a mongodb id"),
        }
    }
}

portcullis::body! {
    struct OfList { id: ObjectId }
    struct OfTask { id: ObjectId, tid: ObjectId }
    struct NewList { title: NonEmptyText, description: Option<String> }
    struct ListChange { title: Option<NonEmptyText>, description: Option<String> }
    struct NewTask { title: NonEmptyText, completed: Option<bool> }
    struct TaskChange { title: Option<NonEmptyText>, completed: Option<bool> }
}

/// A list, as answers show one.
#[derive(Serialize, sqlx::FromRow)]
struct List {
    #[serde(rename = "_id")]
    id: String,
    title: String,
    description: Option<String>,
    owner: String,
    /// Of the one list that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[sqlx(skip)]
    tasks: Option<Vec<Task>>,
}

/// A task, as answers show one.
#[derive(Serialize, sqlx::FromRow)]
struct Task {
    #[serde(rename = "_id")]
    id: String,
    title: String,
    #[sqlx(try_from = "i64")]
    completed: StoredBool,
    #[serde(rename = "listId")]
    list: String,
}

/// True or false, which SQLite keeps as a number.
#[derive(Serialize)]
struct StoredBool(bool);

impl From<i64> for StoredBool {
    fn from(number: i64) -> Self {
        Self(number != 0)
    }
}

/// A request of a signed-in user, about what the path names.
struct OwnersRequest<P> {
    lists: AnyPool,
    owner: String,
    of: P,
}

impl<P: ReadBody> FromRequestParts<AnyPool> for OwnersRequest<P> {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, lists: &AnyPool) -> Result<Self, RefusalResponse> {
        let CurrentUser(user) = CurrentUser::from_request_parts(parts, lists).await?;
        let ValidPath(of) = ValidPath::from_request_parts(parts, lists).await?;
        Ok(Self { lists: lists.clone(), owner: user.user_id().to_string(), of })
    }
}

type ListAnswer<T> = Result<PrivateJson<T>, RefusalResponse>;

fn outage(fault: sqlx::Error) -> StoreError {
    StoreError::unavailable("keep lists", fault)
}

/// What a statement that names the owner has found.
fn found<T>(row: Result<Option<T>, sqlx::Error>) -> Result<T, RefusalResponse> {
    Ok(row.map_err(outage)?.ok_or(Refusal::plain(Code::NotFound))?)
}

/// `GET /lists`
async fn all(OwnersRequest { lists, owner, .. }: OwnersRequest<()>) -> ListAnswer<Vec<List>> {
    let all = query_as("SELECT * FROM todo_lists WHERE owner = $1 ORDER BY created, id");
    Ok(PrivateJson(all.bind(owner).fetch_all(&lists).await.map_err(outage)?))
}

/// `POST /lists`
async fn create(
    OwnersRequest { lists, owner, .. }: OwnersRequest<()>,
    ValidBody(new): ValidBody<NewList>,
) -> Created<List> {
    let insert = "INSERT INTO todo_lists (id, title, description, owner, created) VALUES ($1, $2, $3, $4, $5) RETURNING *";
    let insert = query_as(insert).bind(ObjectId::generate().0).bind(new.title.0).bind(new.description);
    let insert = insert.bind(owner).bind(SystemClock.now().as_millis());
    Ok((StatusCode::CREATED, PrivateJson(insert.fetch_one(&lists).await.map_err(outage)?)))
}

/// `GET /lists/{id}`
async fn show(OwnersRequest { lists, owner, of }: OwnersRequest<OfList>) -> ListAnswer<List> {
    let list = query_as("SELECT * FROM todo_lists WHERE id = $1 AND owner = $2");
    let list: List = found(list.bind(of.id.0.clone()).bind(owner).fetch_optional(&lists).await)?;
    let tasks = query_as("SELECT * FROM todo_tasks WHERE list = $1 ORDER BY created, id");
    let tasks = tasks.bind(of.id.0).fetch_all(&lists).await.map_err(outage)?;
    Ok(PrivateJson(List { tasks: Some(tasks), ..list }))
}

/// `PUT /lists/{id}`: what is left out stays as it is.
async fn change(
    OwnersRequest { lists, owner, of }: OwnersRequest<OfList>,
    ValidBody(new): ValidBody<ListChange>,
) -> ListAnswer<List> {
    let update = query_as(
        "UPDATE todo_lists SET title = COALESCE($1, title), description = COALESCE($2, description) \
         WHERE id = $3 AND owner = $4 RETURNING *",
    );
    let update = update.bind(new.title.map(|title| title.0)).bind(new.description).bind(of.id.0).bind(owner);
    found(update.fetch_optional(&lists).await).map(PrivateJson)
}

/// `DELETE /lists/{id}`, and the tasks with it.
async fn remove(OwnersRequest { lists, owner, of }: OwnersRequest<OfList>) -> ListAnswer<List> {
    let delete = query_as("DELETE FROM todo_lists WHERE id = $1 AND owner = $2 RETURNING *");
    found(delete.bind(of.id.0).bind(owner).fetch_optional(&lists).await).map(PrivateJson)
}

/// `POST /lists/{id}`
async fn add_task(
    OwnersRequest { lists, owner, of }: OwnersRequest<OfList>,
    ValidBody(new): ValidBody<NewTask>,
) -> Created<Task> {
    let insert = query_as(
        "INSERT INTO todo_tasks (id, title, completed, created, list) \
         SELECT $1, $2, $3, $4, id FROM todo_lists WHERE id = $5 AND owner = $6 RETURNING *",
    );
    let insert =
        insert.bind(ObjectId::generate().0).bind(new.title.0).bind(i64::from(new.completed == Some(true)));
    let insert = insert.bind(SystemClock.now().as_millis()).bind(of.id.0).bind(owner);
    Ok((StatusCode::CREATED, PrivateJson(found(insert.fetch_optional(&lists).await)?)))
}

/// `PUT /lists/{id}/{tid}`: what is left out stays as it is.
async fn change_task(
    OwnersRequest { lists, owner, of }: OwnersRequest<OfTask>,
    ValidBody(new): ValidBody<TaskChange>,
) -> ListAnswer<Task> {
    let update = query_as(
        "UPDATE todo_tasks SET title = COALESCE($1, title), completed = COALESCE($2, completed) \
         WHERE id = $3 AND list = (SELECT id FROM todo_lists WHERE id = $4 AND owner = $5) RETURNING *",
    );
    let update = update.bind(new.title.map(|title| title.0)).bind(new.completed.map(i64::from));
    found(update.bind(of.tid.0).bind(of.id.0).bind(owner).fetch_optional(&lists).await).map(PrivateJson)
}

/// `DELETE /lists/{id}/{tid}`
async fn remove_task(OwnersRequest { lists, owner, of }: OwnersRequest<OfTask>) -> ListAnswer<Task> {
    let delete = query_as(
        "DELETE FROM todo_tasks \
         WHERE id = $1 AND list = (SELECT id FROM todo_lists WHERE id = $2 AND owner = $3) RETURNING *",
    );
    found(delete.bind(of.tid.0).bind(of.id.0).bind(owner).fetch_optional(&lists).await).map(PrivateJson)
}

/// The routes of lists, behind a guard.
pub(crate) fn routes(lists: AnyPool) -> Router<Engine> {
    Router::new()
        .route("/lists", get(all).post(create))
        .route("/lists/{id}", get(show).post(add_task).put(change).delete(remove))
        .route("/lists/{id}/{tid}", put(change_task).delete(remove_task))
        .with_state(lists)
}
