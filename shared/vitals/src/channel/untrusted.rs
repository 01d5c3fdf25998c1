//! Text that users of a watched database may have written, and the one way in which it gets into a message.
//!
//! A name of a table, a statement or an application is chosen by somebody who should not be able to speak through an alert:
//! to place a link, to call people, to imitate the message. So what a [`Card`](super::card::Card) holds is [`Untrusted`],
//! which cannot be formatted; a channel gets it as text only by naming the [`Markup`] that it stands in.
//!
//! What receivers read in a text, by their documentation, and what is done about it:
//!
//! | kind | special | here |
//! |---|---|---|
//! | `slack` | In `mrkdwn`: `& < >`, `<url\|text>`, `<@U1>`, `<!channel>`, `* _ ~`, backticks, bare addresses; in `plain_text` nothing (`emoji` off) | every block is `plain_text`; the line for telephones stands in code ([`Markup::ChatCode`]), with `parse` `none` |
//! | Mattermost, Rocket.Chat by `slack` | Markdown of the line above, `<!channel>`, `@channel`, bare addresses, but nothing in code | [`Markup::ChatCode`] |
//! | `discord` | Markdown, masked links, `<@1>`, `@everyone`, `:emoji:`, `https://…` in titles, descriptions and fields; a backslash takes the meaning of every sign; a footer is plain | [`Markup::Discord`], `allowed_mentions` empty |
//! | `teams` | a subset of CommonMark in `TextBlock` and `Fact`; nothing in a `TextRun` | runs of text only |
//! | `github` | Markdown of GitHub, HTML, `$`; after that, in what is shown: `@name`, `#1`, `GH-1`, `:emoji:` | [`Markup::GitHub`]; titles are plain |
//! | `telegram` | `& < >`; beside tags addresses, bare hosts, `@name`, `#tag`, `$TAG`, `/command`, but nothing in `<code>` | [`Markup::TelegramCode`], the title [`Markup::TelegramTitle`] |
//! | `resend`, `sendgrid`, `postmark` | text only; programs make links of addresses, hosts and mail addresses; a line break ends a header | [`Markup::Linkified`] |
//! | `ntfy` | text only (`markdown` is off); apps make links of addresses and hosts | [`Markup::Linkified`] |
//! | `opsgenie` | HTML in message and description, addresses | [`Markup::Plain`] |
//! | `pagerduty`, `sentry`, `alertmanager` | text; addresses become links | [`Markup::Plain`] |
//! | `webhook` | JSON for programs, as it is | none: what shows it has to escape it |

use crate::text::{ELLIPSIS, visible};

/// A mark without width. A name with one in it is no longer a name, an address with one no longer an address.
const BREAK: char = '\u{200b}';

/// A line of text that a user of a watched database may have written, in whole or in part. It has no `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Untrusted(String);

/// How the place that a text stands in is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    /// As text, in which addresses may become links, or tags HTML.
    Plain,
    /// As text, in which hosts and mail addresses may become links as well.
    Linkified,
    /// As Markdown of Discord.
    Discord,
    /// As Markdown of GitHub.
    GitHub,
    /// As HTML of Telegram, in bold type.
    TelegramTitle,
    /// As HTML of Telegram; the text is put into code.
    TelegramCode,
    /// As `mrkdwn` of Slack or as Markdown; the text is put into code.
    ChatCode,
}

impl Untrusted {
    /// Takes a text. White space of every kind becomes a space, so that it stays one line; what else is invisible is shown.
    pub(super) fn new(text: &str) -> Self {
        let is_break = |character: char| character.is_whitespace() && character != ' ';
        let line: String = text
            .chars()
            .map(|character| if is_break(character) { ' ' } else { character })
            .collect();
        Self(visible(&line).into_owned())
    }

    /// The text of a place that is read in some way, at most `limit` characters long and cut so that no replacement is.
    /// Tags around it are not counted.
    pub(super) fn written(&self, markup: Markup, limit: usize) -> String {
        let mut written = String::with_capacity(self.0.len());
        let mut length = 0;
        // The text may end here if there turns out to be no room for all of it.
        let mut fitting = 0;
        for (position, character) in self.0.char_indices() {
            let before = self.0.get(..position).unwrap_or_default();
            let after = self.0.get(position + character.len_utf8()..).unwrap_or_default();
            let start = written.len();
            markup.write(&mut written, before, character, after);
            length += written.get(start..).map_or(0, |added| added.chars().count());
            if length > limit {
                written.truncate(fitting);
                if limit > 0 {
                    written.push(ELLIPSIS);
                }
                break;
            }
            if length < limit {
                fitting = written.len();
            }
        }
        match markup {
            _ if written.is_empty() => written,
            Markup::TelegramCode => format!("<code>{written}</code>"),
            Markup::ChatCode => format!("`{written}`"),
            _ => written,
        }
    }

    /// The length as it is, in characters.
    pub(super) fn length(&self) -> usize {
        self.0.chars().count()
    }
}

impl Markup {
    /// Writes one character of a text so that it means nothing but itself.
    fn write(self, out: &mut String, before: &str, character: char, after: &str) {
        match self {
            Self::Plain => {
                out.push(character);
                if begins_address(before, character, after) || begins_tag(character, after) {
                    out.push(BREAK);
                }
            }
            Self::Linkified => {
                out.push(character);
                let breaks = begins_address(before, character, after)
                    || joins_host(before, character, after)
                    || character == '@';
                if breaks {
                    out.push(BREAK);
                }
            }
            Self::Discord => {
                if character.is_ascii_punctuation() {
                    out.push('\\');
                }
                out.push(character);
            }
            Self::GitHub => write_github(out, before, character, after),
            Self::TelegramTitle => {
                push_entity(out, character);
                let joins = matches!(character, '@' | '#' | '$' | '/' | ':') || is_dot(character);
                if joins && after.starts_with(|next: char| next.is_alphanumeric() || next == '/') {
                    out.push(BREAK);
                }
            }
            Self::TelegramCode => push_entity(out, character),
            // An entity would be shown as it is by some of those who read this.
            Self::ChatCode => out.push(match character {
                '<' => '\u{2039}',
                '`' => '\u{2cb}',
                _ => character,
            }),
        }
    }
}

/// The signs that have a meaning in HTML, as entities.
fn push_entity(out: &mut String, character: char) {
    match character {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        _ => out.push(character),
    }
}

/// GitHub looks for names, numbers of issues and signs once more in what its Markdown has made, where a backslash is gone.
fn write_github(out: &mut String, before: &str, character: char, after: &str) {
    match character {
        '&' | '<' | '>' | '"' => push_entity(out, character),
        // It would part the cells of a table before anything else is read.
        '|' => out.push_str("&#124;"),
        _ => {
            if character.is_ascii_punctuation() {
                out.push('\\');
            }
            out.push(character);
        }
    }
    let joined = after.starts_with(|next: char| !next.is_whitespace());
    let names_issue = character == '-'
        && after.starts_with(|next: char| next.is_ascii_digit())
        && before
            .get(before.len().saturating_sub(2)..)
            .is_some_and(|word| word.eq_ignore_ascii_case("gh"));
    if matches!(character, '@' | '#' | ':') && joined
        || names_issue
        || begins_address(before, character, after)
    {
        out.push(BREAK);
    }
}

/// Whether an address goes on behind this character: `https:` before `//`, `www.`.
fn begins_address(before: &str, character: char, after: &str) -> bool {
    let www = || {
        before
            .get(before.len().saturating_sub(3)..)
            .is_some_and(|word| word.eq_ignore_ascii_case("www"))
    };
    match character {
        ':' => after.starts_with("//"),
        '.' => www(),
        _ => false,
    }
}

/// Whether a tag begins here.
fn begins_tag(character: char, after: &str) -> bool {
    character == '<'
        && after.starts_with(|next: char| next.is_alphabetic() || matches!(next, '/' | '!' | '?'))
}

/// A dot of a host, as names of other scripts write it too.
const fn is_dot(character: char) -> bool {
    matches!(character, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// Whether this is a dot that makes a host of what stands around it: `example.com`, `10.0.0.1`; a number has one dot.
fn joins_host(before: &str, character: char, after: &str) -> bool {
    if !is_dot(character) || !before.ends_with(|last: char| last.is_alphanumeric() || last == '-') {
        return false;
    }
    let begins = |text: &str, is: fn(char) -> bool| text.starts_with(is);
    let number = before.trim_end_matches(|last: char| last.is_ascii_digit());
    begins(after, char::is_alphabetic)
        || (begins(after, |next| next.is_ascii_digit())
            && (number.ends_with('.') || number.ends_with(char::is_alphabetic)))
}

#[cfg(test)]
pub(super) mod tests;
