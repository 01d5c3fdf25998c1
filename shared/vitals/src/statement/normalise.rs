//! PostgreSQL's lexical rules, as far as they tell data from structure.

use crate::text::ELLIPSIS;

/// What stands for a literal that was left in a text. PostgreSQL itself writes `$1`, which is kept.
pub const PLACEHOLDER: char = '?';

/// The longest normalised text, in characters.
pub const LONGEST_TEXT: usize = 4096;

/// What a statement on data may begin with.
const DATA_STATEMENTS: [&str; 8] = [
    "select", "insert", "update", "delete", "merge", "with", "values", "table",
];

/// A word of a statement, and whether there was space before it.
struct Token<'a> {
    kind: Kind<'a>,
    spaced: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind<'a> {
    /// A keyword or a name, quoted or not.
    Word(&'a str),
    /// `$1`.
    Parameter(&'a str),
    /// Anything that could be data.
    Literal,
    /// A list of parameters and literals in parentheses.
    List,
    /// One character of an operator or of punctuation.
    Sign(char),
}

pub(super) fn normalise(text: &str) -> Option<String> {
    let tokens = Lexer { rest: text }.tokens();
    let first = tokens.iter().find(|token| token.kind != Kind::Sign('('))?;
    let Kind::Word(first) = first.kind else {
        return None;
    };
    if !DATA_STATEMENTS
        .iter()
        .any(|keyword| first.eq_ignore_ascii_case(keyword))
    {
        return None;
    }
    Some(without_lists(tokens))
}

pub(super) fn mask(text: &str) -> String {
    without_lists(Lexer { rest: text }.tokens())
}

fn without_lists(tokens: Vec<Token<'_>>) -> String {
    let mut tokens = fold_lists(tokens);
    while tokens.last().is_some_and(|token| token.kind == Kind::Sign(';')) {
        tokens.pop();
    }
    write(&tokens)
}

/// Makes one token of the list of parameters after each `in`.
fn fold_lists(tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut folded: Vec<Token<'_>> = Vec::with_capacity(tokens.len());
    let mut position = 0;
    while let Some(token) = tokens.get(position) {
        let after_in = matches!(folded.last(), Some(Token { kind: Kind::Word(word), .. }) if word.eq_ignore_ascii_case("in"));
        match after_in
            .then(|| list_length(tokens.get(position..).unwrap_or_default()))
            .flatten()
        {
            Some(length) => {
                folded.push(Token {
                    kind: Kind::List,
                    spaced: token.spaced,
                });
                position += length;
            }
            None => {
                folded.push(Token { ..*token });
                position += 1;
            }
        }
    }
    folded
}

/// The number of tokens in the list of parameters and literals that begins here, if one does.
fn list_length(tokens: &[Token<'_>]) -> Option<usize> {
    let kind = |position: usize| tokens.get(position).map(|token| token.kind);
    if kind(0)? != Kind::Sign('(') {
        return None;
    }
    let mut position = 1;
    loop {
        if matches!(kind(position)?, Kind::Sign('-' | '+')) {
            position += 1;
        }
        if !matches!(
            kind(position)?,
            Kind::Parameter(_) | Kind::Literal | Kind::Sign(PLACEHOLDER)
        ) {
            return None;
        }
        position += 1;
        // A cast of one word, such as `$1::uuid`.
        if kind(position)? == Kind::Sign(':') && kind(position + 1)? == Kind::Sign(':') {
            if !matches!(kind(position + 2)?, Kind::Word(_)) {
                return None;
            }
            position += 3;
        }
        match kind(position)? {
            Kind::Sign(',') => position += 1,
            Kind::Sign(')') => return Some(position + 1),
            _ => return None,
        }
    }
}

/// Writes the tokens, or as many as there is room for.
fn write(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    let mut length = 0;
    // How far the text may stay if the end has to go, with room for a space and the ellipsis.
    let mut fitting = 0;
    for token in tokens {
        let mut word = String::new();
        if token.spaced && !text.is_empty() {
            word.push(' ');
        }
        match token.kind {
            Kind::Word(name) | Kind::Parameter(name) => word.push_str(name),
            Kind::Literal => word.push(PLACEHOLDER),
            Kind::List => word.extend(['(', ELLIPSIS, ')']),
            Kind::Sign(sign) => word.push(sign),
        }
        length += word.chars().count();
        if length > LONGEST_TEXT {
            text.truncate(fitting);
            text.push(' ');
            text.push(ELLIPSIS);
            return text;
        }
        text.push_str(&word);
        if length <= LONGEST_TEXT - 2 {
            fitting = text.len();
        }
    }
    text
}

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    fn tokens(mut self) -> Vec<Token<'a>> {
        let mut tokens = Vec::new();
        loop {
            let spaced = self.skip_space();
            let Some(kind) = self.next_kind() else {
                return tokens;
            };
            tokens.push(Token { kind, spaced });
        }
    }

    /// Skips white space, control characters and comments, and tells whether there were any.
    fn skip_space(&mut self) -> bool {
        let length = self.rest.len();
        loop {
            let before = self.rest.len();
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
            if let Some(comment) = self.rest.strip_prefix("--") {
                self.rest = comment
                    .find(['\n', '\r'])
                    .and_then(|end| comment.get(end..))
                    .unwrap_or_default();
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = after_comment(comment);
            }
            if self.rest.len() == before {
                return before < length;
            }
        }
    }

    fn next_kind(&mut self) -> Option<Kind<'a>> {
        let first = self.rest.chars().next()?;
        let second = self.rest.chars().nth(1);
        Some(match first {
            '\'' => self.literal(after_string(self.rest, false)),
            '"' => match after_quoted(self.rest) {
                Some(end) => Kind::Word(self.take(end)),
                // A name without an end could hide a literal, so it goes with everything after it.
                None => self.literal(""),
            },
            '$' => self.dollar(),
            '0'..='9' => self.literal(after_number(self.rest)),
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.literal(after_number(self.rest)),
            _ if begins_word(first) => self.word(),
            _ => {
                self.take(first.len_utf8());
                Kind::Sign(first)
            }
        })
    }

    /// A word, unless it is the prefix of a literal: `E''`, `B''`, `X''`, `N''` or `U&''`.
    fn word(&mut self) -> Kind<'a> {
        let length = self.rest.find(|c| !continues_word(c)).unwrap_or(self.rest.len());
        let word = self.rest.get(..length).unwrap_or_default();
        let after = self.rest.get(length..).unwrap_or_default();
        if after.starts_with('\'') {
            match word {
                "e" | "E" => return self.literal(after_string(after, true)),
                "b" | "B" | "x" | "X" | "n" | "N" => return self.literal(after_string(after, false)),
                _ => {}
            }
        }
        if matches!(word, "u" | "U")
            && let Some(string) = after.strip_prefix('&')
            && string.starts_with('\'')
        {
            return self.literal(after_string(string, false));
        }
        Kind::Word(self.take(length))
    }

    /// A parameter (`$1`), a literal between tags (`$tag$…$tag$`), or just the sign.
    fn dollar(&mut self) -> Kind<'a> {
        let after = self.rest.get(1..).unwrap_or_default();
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        if digits > 0 {
            return Kind::Parameter(self.take(1 + digits));
        }
        let tag = after
            .find(|c| c == '$' || !continues_word(c))
            .unwrap_or(after.len());
        if !after.get(tag..).is_some_and(|end| end.starts_with('$')) {
            self.take(1);
            return Kind::Sign('$');
        }
        let tag = self.rest.get(..tag + 2).unwrap_or_default();
        let body = self.rest.get(tag.len()..).unwrap_or_default();
        self.literal(
            body.find(tag)
                .and_then(|end| body.get(end + tag.len()..))
                .unwrap_or_default(),
        )
    }

    fn literal(&mut self, rest: &'a str) -> Kind<'a> {
        self.rest = rest;
        Kind::Literal
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn continues_word(c: char) -> bool {
    (begins_word(c) || c.is_ascii_digit() || c == '$') && !c.is_whitespace() && !c.is_control()
}

/// What follows a comment whose opening was read. Comments nest.
fn after_comment(mut rest: &str) -> &str {
    let mut depth = 1;
    while let Some(position) = rest.find(['/', '*']) {
        let at = rest.get(position..).unwrap_or_default();
        let (change, length) = match at.get(..2) {
            Some("/*") => (1, 2),
            Some("*/") => (-1, 2),
            _ => (0, 1),
        };
        depth += change;
        rest = at.get(length..).unwrap_or_default();
        if depth == 0 {
            return rest;
        }
    }
    ""
}

/// What follows the string that begins here; nothing if it does not end, or if it is not sure where.
fn after_string(text: &str, backslash_escapes: bool) -> &str {
    let mut characters = text.char_indices().skip(1).peekable();
    let mut escaped = false;
    while let Some((position, c)) = characters.next() {
        match c {
            _ if escaped && backslash_escapes => escaped = false,
            '\\' => escaped = true,
            // With `standard_conforming_strings` off this would not be the end, and the text does not tell.
            '\'' if escaped => return "",
            '\'' => {
                if characters.next_if(|(_, next)| *next == '\'').is_none() {
                    return text.get(position + 1..).unwrap_or_default();
                }
            }
            _ => escaped = false,
        }
    }
    ""
}

/// The length of the quoted name that begins here, if it ends.
fn after_quoted(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((position, c)) = characters.next() {
        if c == '"' && characters.next_if(|(_, next)| *next == '"').is_none() {
            return Some(position + 1);
        }
    }
    None
}

/// What follows the number that begins here: digits, letters (`0xff`, `1e9`), underscores, dots, signed exponents.
///
/// It takes more than PostgreSQL would rather than less, since what it leaves would be shown.
fn after_number(text: &str) -> &str {
    let mut before = ' ';
    let end = text.find(|c: char| {
        let belongs = continues_word(c) && c != '$'
            || c == '.'
            || matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        before = c;
        !belongs
    });
    end.and_then(|end| text.get(end..)).unwrap_or_default()
}
