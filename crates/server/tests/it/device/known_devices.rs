//! Known devices: their user sees them and has them forgotten.

use portcullis_api::operation::OwnOperation;
use serde_json::{Value, json};

use crate::fixture::{DeviceClient, TestServer, TestUser, random_id};

#[tokio::test]
async fn a_user_sees_the_known_devices_and_has_one_forgotten() {
    let server = TestServer::start().await;
    let (browser, curl) = (DeviceClient::browser(&server), DeviceClient::curl(&server));
    TestUser::ANN.signs_up(&curl).await;
    TestUser::BOB.signs_up(&curl).await;
    let app = TestUser::ANN.signs_in_natively_on(&curl).await;
    let ann = TestUser::ANN.signs_in_on(&browser).await;

    let said = ann.asks(OwnOperation::Devices, json!({})).await;
    said.succeeded(200, portcullis_api::answer::Success::DEVICES);
    let devices = said.data().as_array().unwrap().clone();
    let names: Vec<(&Value, &Value)> =
        devices.iter().map(|device| (&device["name"], &device["current"])).collect();
    assert_eq!(names, [(&json!("Firefox on Linux"), &json!(true)), (&json!("curl/8.7.1"), &json!(false))]);
    let members: Vec<&String> = devices[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["current", "id", "lastUsed", "name"], "no hash");

    let phone = json!({"deviceId": devices[1]["id"]});
    let bob = TestUser::BOB.signs_in_on(&curl).await;
    for (who, members) in [(&bob, phone.clone()), (&ann, json!({"deviceId": random_id()}))] {
        let said = who.asks(OwnOperation::ForgetDevice, members).await;
        said.refused(404, "DEVICE_NOT_FOUND", "Device not found or already forgotten.");
    }
    let said = ann.asks(OwnOperation::ForgetDevice, phone.clone()).await;
    said.succeeded(200, portcullis_api::answer::Success::DEVICE_FORGOTTEN);
    assert_eq!(said.data(), phone);
    assert_eq!(ann.asks(OwnOperation::Devices, json!({})).await.data().as_array().unwrap().len(), 1);
    assert_eq!(app.session_code().await, "SESSIONS_RETRIEVED", "its session stays");
}
