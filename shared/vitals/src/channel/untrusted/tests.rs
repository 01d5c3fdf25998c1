use proptest::prelude::*;
use regex_lite::Regex;

use super::*;
use crate::text::is_invisible;

/// Texts that somebody would choose as a name to speak through an alert.
pub(in crate::channel) const HOSTILE: [&str; 40] = [
    "<@U123>|[x](http://evil.example)",
    "<!channel>",
    "<!here|here>",
    "<http://evil.example|reset your password>",
    "<https://evil.example>",
    "[x](http://evil.example)",
    "[x][1]",
    "![x](http://evil.example/a.png)",
    "http://evil.example/login?a=b&c=d#e",
    "https://evil.example",
    "www.evil.example",
    "evil.com",
    "evil\u{3002}com",
    "10.0.0.1",
    "ada@example.com",
    "mailto:ada@example.com",
    "@everyone",
    "@here",
    "@channel",
    "@ada",
    "<@!1>",
    "<@&1>",
    "<#1>",
    "<t:0:R>",
    "</do:1>",
    ":tada:",
    "#1",
    "gh-12",
    "ada/repo#7",
    "*b* _i_ ~s~ **b** __u__ ~~s~~ ||h|| `c` ```p```",
    "<b>bold</b><script>alert(1)</script><img src=x onerror=alert(1)>",
    "<!-- pgvitals incident 0 -->",
    "<at>ada</at>",
    "/start $USD #tag",
    "a | b | c",
    "\n\u{1f6a8} EMERGENCY forged\r\nBcc: ada@example.com",
    "\u{1b}[31mred\u{1b}]8;;http://evil.example\u{7}link",
    "gpj.\u{202e}exe\u{2066}",
    r"\*\[x\](http://evil.example)\\",
    "\u{0}\u{8}\u{9b}\u{2028}\u{feff}",
];

pub(in crate::channel) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(HOSTILE.as_slice()).prop_map(str::to_owned),
        1 => r"[a-zA-Z0-9 ]{0,6}",
        1 => r"[@#:/.<>\[\]()*_~`|&\\!$-]{1,4}",
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

fn find(pattern: &str, text: &str) -> Option<String> {
    let found = Regex::new(pattern).unwrap().find(text)?;
    Some(found.as_str().to_owned())
}

/// What is left of a text that is read with backslashes and entities, and how the rest of it is shown.
pub(in crate::channel) fn unescaped(text: &str) -> (String, String) {
    let (mut live, mut shown) = (String::new(), String::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let entities = [
            ("&amp;", '&'),
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&quot;", '"'),
            ("&#124;", '|'),
        ];
        let entity = entities.iter().find(|(entity, _)| rest.starts_with(entity));
        let second = rest.chars().nth(1);
        let length = match (entity, second) {
            (Some((entity, character)), _) => {
                shown.push(*character);
                entity.len()
            }
            (None, Some(second)) if first == '\\' && second.is_ascii_punctuation() => {
                shown.push(second);
                2
            }
            _ => {
                live.push(first);
                shown.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    (live, shown)
}

/// What a text means beside itself to those who read it by the rules of a markup.
fn alive(markup: Markup, text: &str) -> Option<String> {
    let anything = |text: &str| find(r"[!-/:-@\[-`{-~]", text);
    match markup {
        Markup::Plain => find(r"(?i)://|www\.[^\u{200b}]|<[a-z/!?]", text),
        Markup::Linkified => {
            find(r"(?i)://|www\.[^\u{200b}]|@[a-z0-9]|[0-9]\.[0-9]+\.[0-9]", text).or_else(|| host(text))
        }
        Markup::Discord => anything(&unescaped(text).0),
        Markup::GitHub => {
            let (live, shown) = unescaped(text);
            anything(&live).or_else(|| {
                find(
                    r"(?i)@[a-z0-9]|#[0-9]|gh-[0-9]|:[a-z0-9_+-]+:|://|www\.[^\u{200b}]",
                    &shown,
                )
            })
        }
        Markup::TelegramTitle => find(r"[<>]", text).or_else(|| command(&unescaped_entities(text))),
        Markup::TelegramCode => {
            let inside = text.strip_prefix("<code>")?.strip_suffix("</code>")?;
            find(r"[<>]|&[^aglq]|&$", inside)
        }
        Markup::ChatCode => {
            let inside = text.strip_prefix('`')?.strip_suffix('`')?;
            find(r"[<`\n]", inside)
        }
    }
}

/// A host, which many a program makes a link of.
fn host(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let joins = |three: &&[char]| {
        let before = three[0].is_alphanumeric() || three[0] == '-';
        before && is_dot(three[1]) && three[2].is_alphabetic()
    };
    characters
        .windows(3)
        .find(joins)
        .map(|three| three.iter().collect())
}

/// What Telegram makes a link of: `@name`, `#tag`, `$TAG`, `/command`, a host, an address.
fn command(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let joins = |two: &&[char]| {
        let begins = matches!(two[0], '@' | '#' | '$' | '/' | ':') || is_dot(two[0]);
        begins && (two[1].is_alphanumeric() || two[1] == '/')
    };
    characters.windows(2).find(joins).map(|two| two.iter().collect())
}

fn unescaped_entities(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// How a text is shown, without the marks that have no width.
fn shown(markup: Markup, text: &str) -> String {
    let shown = match markup {
        Markup::Discord | Markup::GitHub => unescaped(text).1,
        Markup::TelegramTitle => unescaped_entities(text),
        Markup::TelegramCode => {
            let inside = text
                .strip_prefix("<code>")
                .and_then(|text| text.strip_suffix("</code>"));
            unescaped_entities(inside.unwrap_or_default())
        }
        Markup::ChatCode => {
            let inside = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
            inside
                .unwrap_or_default()
                .replace('\u{2039}', "<")
                .replace('\u{2cb}', "`")
        }
        Markup::Plain | Markup::Linkified => text.to_owned(),
    };
    plain(&shown)
}

/// A text without the marks that have no width, and with the signs of which others take the place.
fn plain(text: &str) -> String {
    text.replace(BREAK, "")
        .replace('\u{2039}', "<")
        .replace('\u{2cb}', "`")
}

const ALL: [Markup; 7] = [
    Markup::Plain,
    Markup::Linkified,
    Markup::Discord,
    Markup::GitHub,
    Markup::TelegramTitle,
    Markup::TelegramCode,
    Markup::ChatCode,
];

/// The length without tags around it.
fn length(markup: Markup, text: &str) -> usize {
    let tags = match markup {
        Markup::TelegramCode => "<code></code>".len(),
        Markup::ChatCode => 2,
        _ => 0,
    };
    text.chars().count().saturating_sub(tags)
}

#[test]
fn names_keep_their_look_and_lose_their_meaning() {
    let written = |text: &str, markup| Untrusted::new(text).written(markup, 200);
    let name = "<@U123>|[x](http://evil)";
    assert_eq!(
        written(name, Markup::Discord),
        r"\<\@U123\>\|\[x\]\(http\:\/\/evil\)"
    );
    assert_eq!(written(name, Markup::Plain), "<@U123>|[x](http:\u{200b}//evil)");
    assert_eq!(
        written(name, Markup::GitHub),
        "&lt;\\@\u{200b}U123&gt;&#124;\\[x\\]\\(http\\:\u{200b}\\/\\/evil\\)"
    );
    assert_eq!(
        written(name, Markup::TelegramCode),
        "<code>&lt;@U123&gt;|[x](http://evil)</code>"
    );
    assert_eq!(
        written(name, Markup::ChatCode),
        "`\u{2039}@U123>|[x](http://evil)`"
    );
    assert_eq!(
        written("evil.com 1.5 10.0.0.1", Markup::Linkified),
        "evil.\u{200b}com 1.5 10.0.\u{200b}0.\u{200b}1"
    );
    assert_eq!(written("a\nb\u{1b}[0m", Markup::Plain), r"a b\u{1b}[0m");
    assert_eq!(written("", Markup::ChatCode), "");
}

#[test]
fn no_replacement_is_cut() {
    let written = |text: &str, limit| Untrusted::new(text).written(Markup::TelegramTitle, limit);
    assert_eq!(written("a<b", 6), "a&lt;b");
    assert_eq!(written("a<b", 5), "a…");
    assert_eq!(written("a & b", 9), "a &amp; b");
    assert_eq!(written("a & b", 8), "a &amp;…");
    assert_eq!(written("a", 0), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_text_means_anything_beside_itself(text in hostile(), limit in 1usize..200) {
        let text = Untrusted::new(&text);
        for markup in ALL {
            let whole = text.written(markup, usize::MAX);
            prop_assert_eq!(alive(markup, &whole), None, "{:?}: {}", markup, whole);
            prop_assert_eq!(shown(markup, &whole), plain(&text.0), "{:?}", markup);
            let cut = text.written(markup, limit);
            prop_assert_eq!(alive(markup, &cut), None, "{:?}: {}", markup, cut);
            prop_assert!(length(markup, &cut) <= limit, "{:?}: {}", markup, cut);
            for written in [whole, cut] {
                let strange = written.replace(BREAK, "");
                prop_assert!(!strange.contains(is_invisible), "{:?}: {:?}", markup, strange);
            }
        }
    }
}
