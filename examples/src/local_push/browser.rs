//! One browser's connection: Mozilla's push protocol in JSON frames.

use std::sync::{Arc, Mutex};

use axum::extract::ws::{Message, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::lock;
use super::state::Shared;

/// What a browser sends. Members that do not matter here are ignored.
#[derive(Deserialize)]
#[serde(tag = "messageType", rename_all = "snake_case")]
enum Frame {
    Hello {
        #[serde(default)]
        uaid: Option<String>,
    },
    Register {
        #[serde(rename = "channelID")]
        channel: String,
        #[serde(default)]
        key: Option<String>,
    },
    Unregister {
        #[serde(rename = "channelID")]
        channel: String,
    },
    Ack {},
    Nack {},
    BroadcastSubscribe {},
}

pub async fn serve(socket: WebSocket, state: Arc<Mutex<Shared>>) {
    let (mut sink, mut stream) = socket.split();
    let (out, mut frames): (UnboundedSender<Value>, UnboundedReceiver<Value>) = unbounded_channel();
    let writer = tokio::spawn(async move {
        while let Some(frame) = frames.recv().await {
            if sink.send(Message::text(frame.to_string())).await.is_err() {
                break;
            }
        }
    });
    let mut uaid = None;
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else { continue };
        if text.as_str() == "{}" {
            let _ = out.send(json!({}));
            continue;
        }
        let Ok(frame) = serde_json::from_str::<Frame>(&text) else { break };
        answer(frame, &mut uaid, &out, &state);
    }
    if let Some(uaid) = uaid {
        lock(&state).disconnect(&uaid, &out);
    }
    drop(out);
    let _ = writer.await;
}

fn answer(frame: Frame, uaid: &mut Option<String>, out: &UnboundedSender<Value>, state: &Mutex<Shared>) {
    let mut state = lock(state);
    let reply = match frame {
        Frame::Hello { uaid: given } => {
            let id = state.connect(given.as_deref(), out.clone());
            *uaid = Some(id.clone());
            json!({"messageType": "hello", "uaid": id, "status": 200, "use_webpush": true, "broadcasts": {}})
        }
        Frame::Register { channel, key } => {
            let registered = state.register(uaid.as_deref().unwrap_or_default(), &channel, key.as_deref());
            match registered {
                Ok(endpoint) => json!({
                    "messageType": "register", "channelID": channel, "status": 200, "pushEndpoint": endpoint,
                }),
                Err(problem) => json!({
                    "messageType": "register", "channelID": channel, "status": 400, "error": problem,
                }),
            }
        }
        Frame::Unregister { channel } => {
            state.unregister(uaid.as_deref().unwrap_or_default(), &channel);
            json!({"messageType": "unregister", "channelID": channel, "status": 200})
        }
        Frame::Ack {} | Frame::Nack {} | Frame::BroadcastSubscribe {} => return,
    };
    let hello = reply["messageType"] == "hello";
    let _ = out.send(reply);
    if hello && let Some(uaid) = uaid {
        state.deliver_all(uaid);
    }
}
