//! The diagram in the documentation is made from the table.

use reveille_conversation::callback;

#[test]
fn the_diagram_and_the_table_agree() {
    let page = include_str!("../../../docs/conversation.md");
    let fence = "```mermaid\n";
    let shown =
        page.split_once(fence).and_then(|(_, rest)| rest.split_once("\n```")).map(|(diagram, _)| diagram);
    let made = callback::diagram();
    assert!(shown == Some(made.as_str()), "docs/conversation.md should show\n{fence}{made}\n```");
}
