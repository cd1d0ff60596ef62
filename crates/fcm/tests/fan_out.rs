//! A fan-out makes the requests that single ones would be, whether the caller keeps them or lets them go.

use reveille_fcm::*;

fn targets() -> Vec<Target> {
    let target = |n: usize| match n % 4 {
        0 => Target::Topic(Topic::new(format!("topic-{n}")).unwrap()),
        1 => Target::Fid(Fid::new("cyzxQ_AbCdEfGhIjKlMnOp").unwrap()),
        _ => Target::Token(RegistrationToken::new("t".repeat(1 + n % 900)).unwrap()),
    };
    // Some megabytes of bodies: many buffers.
    (0..10_000).map(target).collect()
}

#[test]
fn the_same_as_one_by_one() {
    let message =
        Message::new().with_notification(Notification::new().with_title("Anna").with_body("x".repeat(300)));
    let prepared = Prepared::new(&message, SizeLimit::Own).unwrap();
    let (project, token) = (Project::new("p").unwrap(), Token::new("t").unwrap());
    let targets = targets();
    let single = |n: usize| prepared.request(&project, &targets[n], &token).unwrap();
    let same = |n: usize, request: &http::Request<bytes::Bytes>| {
        let single = single(n);
        assert_eq!(request.body(), single.body(), "{n}");
        assert_eq!((request.headers(), request.uri()), (single.headers(), single.uri()));
    };
    let mut kept = Vec::new();
    for (n, request) in prepared.fan_out(&project, &targets, &token).enumerate() {
        let request = request.unwrap();
        same(n, &request);
        // Every third outlives the others, so that no two buffers are let go alike.
        if n % 3 == 0 {
            kept.push((n, request));
        }
    }
    kept.iter().for_each(|(n, request)| same(*n, request));
    for (n, request) in prepared.fan_out(&project, &targets, &token).enumerate() {
        same(n, &request.unwrap());
    }
}
