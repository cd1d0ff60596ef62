//! What a flow sees, shown by itself.

use std::error::Error;

use serde_json::{Value, json};

pub fn run(base: &str) -> Result<(), Box<dyn Error>> {
    let mine =
        json!({"contact": "contact-4711", "conversation": "conv-8", "device": "phone", "channel": "apns"});
    let issued = post(base, "/v1/tokens", &mine)?;
    let token = issued.get("token").and_then(Value::as_str).ok_or("no token")?;
    println!("\n1. A token for a push, {} characters: {token}", token.len());
    let mut stolen = mine.clone();
    if let Some(device) = stolen.get_mut("device") {
        *device = "tablet of a thief".into();
    }
    for (what, expect, attempt) in [
        ("2. On another device", &stolen, "a"),
        ("3. On its own device", &mine, "b"),
        ("4. The same attempt, its answer was lost", &mine, "b"),
        ("5. A second use", &mine, "c"),
    ] {
        let answer =
            post(base, "/v1/verify", &json!({"token": token, "expect": expect, "attempt": attempt}))?;
        println!("{what}: {answer}");
    }
    println!("\nIt goes on serving; Ctrl-C ends it.");
    Ok(())
}

fn post(base: &str, path: &str, body: &Value) -> Result<Value, Box<dyn Error>> {
    let mut response = ureq::post(format!("{base}{path}"))
        .header("content-type", "application/json")
        .send(body.to_string())?;
    Ok(serde_json::from_str(&response.body_mut().read_to_string()?)?)
}
