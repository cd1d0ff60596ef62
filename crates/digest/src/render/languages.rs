//! "… sent 3 new messages" in some languages. Where a verb would have to agree with who sent, there is a colon instead.

pub(super) struct Words {
    pub(super) language: &'static str,
    pub(super) messages: &'static [(&'static str, &'static str)],
    pub(super) two: &'static str,
    pub(super) more: &'static [(&'static str, &'static str)],
}

pub(super) const ALL: &[Words] = &[
    Words {
        language: "en",
        messages: &[("one", "{actors} sent a new message"), ("other", "{actors} sent {count} new messages")],
        two: "{first} and {second}",
        more: &[
            ("one", "{first}, {second} and {others} other"),
            ("other", "{first}, {second} and {others} others"),
        ],
    },
    Words {
        language: "de",
        messages: &[
            ("one", "{actors}: eine neue Nachricht"),
            ("other", "{actors}: {count} neue Nachrichten"),
        ],
        two: "{first} und {second}",
        more: &[
            ("one", "{first}, {second} und {others} weitere Person"),
            ("other", "{first}, {second} und {others} weitere"),
        ],
    },
    Words {
        language: "fr",
        messages: &[
            ("one", "{actors} : {count} nouveau message"),
            ("many", "{actors} : {count} de nouveaux messages"),
            ("other", "{actors} : {count} nouveaux messages"),
        ],
        two: "{first} et {second}",
        more: &[
            ("one", "{first}, {second} et {others} autre"),
            ("many", "{first}, {second} et {others} autres"),
            ("other", "{first}, {second} et {others} autres"),
        ],
    },
    Words {
        language: "es",
        messages: &[
            ("one", "{actors}: {count} mensaje nuevo"),
            ("many", "{actors}: {count} de mensajes nuevos"),
            ("other", "{actors}: {count} mensajes nuevos"),
        ],
        two: "{first} y {second}",
        more: &[
            ("one", "{first}, {second} y {others} persona más"),
            ("many", "{first}, {second} y {others} personas más"),
            ("other", "{first}, {second} y {others} personas más"),
        ],
    },
    Words {
        language: "it",
        messages: &[
            ("one", "{actors}: {count} nuovo messaggio"),
            ("many", "{actors}: {count} di nuovi messaggi"),
            ("other", "{actors}: {count} nuovi messaggi"),
        ],
        two: "{first} e {second}",
        more: &[
            ("one", "{first}, {second} e {others} altra persona"),
            ("many", "{first}, {second} e {others} altre persone"),
            ("other", "{first}, {second} e {others} altre persone"),
        ],
    },
    Words {
        language: "pt",
        messages: &[
            ("one", "{actors}: {count} nova mensagem"),
            ("many", "{actors}: {count} de novas mensagens"),
            ("other", "{actors}: {count} novas mensagens"),
        ],
        two: "{first} e {second}",
        more: &[
            ("one", "{first}, {second} e mais {others} pessoa"),
            ("many", "{first}, {second} e mais {others} pessoas"),
            ("other", "{first}, {second} e mais {others} pessoas"),
        ],
    },
    Words {
        language: "nl",
        messages: &[
            ("one", "{actors}: {count} nieuw bericht"),
            ("other", "{actors}: {count} nieuwe berichten"),
        ],
        two: "{first} en {second}",
        more: &[
            ("one", "{first}, {second} en {others} ander"),
            ("other", "{first}, {second} en {others} anderen"),
        ],
    },
    Words {
        language: "sv",
        messages: &[
            ("one", "{actors}: {count} nytt meddelande"),
            ("other", "{actors}: {count} nya meddelanden"),
        ],
        two: "{first} och {second}",
        more: &[
            ("one", "{first}, {second} och {others} till"),
            ("other", "{first}, {second} och {others} till"),
        ],
    },
    Words {
        language: "pl",
        messages: &[
            ("one", "{actors}: {count} nowa wiadomość"),
            ("few", "{actors}: {count} nowe wiadomości"),
            ("many", "{actors}: {count} nowych wiadomości"),
            ("other", "{actors}: {count} nowej wiadomości"),
        ],
        two: "{first} i {second}",
        more: &[
            ("one", "{first}, {second} i {others} inna osoba"),
            ("few", "{first}, {second} i {others} inne osoby"),
            ("many", "{first}, {second} i {others} innych osób"),
            ("other", "{first}, {second} i {others} innej osoby"),
        ],
    },
    Words {
        language: "cs",
        messages: &[
            ("one", "{actors}: {count} nová zpráva"),
            ("few", "{actors}: {count} nové zprávy"),
            ("many", "{actors}: {count} nové zprávy"),
            ("other", "{actors}: {count} nových zpráv"),
        ],
        two: "{first} a {second}",
        more: &[
            ("one", "{first}, {second} a {others} další"),
            ("few", "{first}, {second} a {others} další"),
            ("many", "{first}, {second} a {others} dalšího"),
            ("other", "{first}, {second} a {others} dalších"),
        ],
    },
    Words {
        language: "ru",
        messages: &[
            ("one", "{actors}: {count} новое сообщение"),
            ("few", "{actors}: {count} новых сообщения"),
            ("many", "{actors}: {count} новых сообщений"),
            ("other", "{actors}: {count} нового сообщения"),
        ],
        two: "{first} и {second}",
        more: &[
            ("one", "{first}, {second} и ещё {others} человек"),
            ("few", "{first}, {second} и ещё {others} человека"),
            ("many", "{first}, {second} и ещё {others} человек"),
            ("other", "{first}, {second} и ещё {others} человека"),
        ],
    },
    Words {
        language: "tr",
        messages: &[("one", "{actors}: {count} yeni mesaj"), ("other", "{actors}: {count} yeni mesaj")],
        two: "{first} ve {second}",
        more: &[
            ("one", "{first}, {second} ve {others} kişi daha"),
            ("other", "{first}, {second} ve {others} kişi daha"),
        ],
    },
    Words {
        language: "ja",
        messages: &[("other", "{actors}：新着メッセージ{count}件")],
        two: "{first}と{second}",
        more: &[("other", "{first}、{second}、他{others}人")],
    },
];
