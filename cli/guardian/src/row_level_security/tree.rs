//! Conditions of policies as PostgreSQL keeps them: the text of a `pg_node_tree`.
//!
//! The text is what `nodeToString` writes (`src/backend/nodes/outfuncs.c`): `{NAME :field value …}`, lists in parentheses,
//! and words in which a backslash escapes the next letter. Nothing but its brackets and a few fields is relied upon, so
//! that a version that adds a field is read as well.

/// A part of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// `{NAME :field value …}`
    Struct {
        /// What kind of node it is, such as `FUNCEXPR`.
        name: String,
        /// Its fields in their order; a value may be several parts.
        fields: Vec<(String, Vec<Node>)>,
    },
    /// `(part part …)`
    List(Vec<Node>),
    /// Anything else.
    Word(String),
}

/// What a condition does for every row that it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PerRow {
    /// It calls a function with nothing of the row: once for a statement would do.
    Call {
        /// The function.
        function: i64,
    },
    /// It calls a function with columns of the row.
    CallWithColumns {
        /// The function.
        function: i64,
    },
    /// It runs a query that depends on the row.
    Subquery,
}

/// Reads a tree; nothing where the text is none.
pub(super) fn parse(text: &str) -> Option<Node> {
    let words = words(text);
    let mut rest = words.as_slice();
    let node = read(&mut rest)?;
    rest.is_empty().then_some(node)
}

/// What is done for every row, each once, in order.
pub(super) fn per_row(node: &Node) -> Vec<PerRow> {
    let mut found = Vec::new();
    collect(node, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn collect(node: &Node, found: &mut Vec<PerRow>) {
    match node.name() {
        Some("FUNCEXPR") => {
            if let Some(function) = node.number("funcid") {
                if refers(node, 0) {
                    found.push(PerRow::CallWithColumns { function });
                } else {
                    found.push(PerRow::Call { function });
                    // Its arguments are evaluated with it.
                    return;
                }
            }
            node.each_child(&mut |child| collect(child, found));
        }
        Some("SUBLINK") => {
            let query = node.field("subselect");
            if query.iter().any(|query| refers(query, 1)) {
                found.push(PerRow::Subquery);
            }
            // What stands before `in` belongs to the row; what stands within the query is the query's.
            for part in node.field("testexpr") {
                collect(part, found);
            }
        }
        _ => node.each_child(&mut |child| collect(child, found)),
    }
}

/// Whether a column of the row is asked for, from so many queries further in.
fn refers(node: &Node, depth: i64) -> bool {
    let inner = match node.name() {
        Some("VAR") => return node.number("varlevelsup") == Some(depth),
        Some("SUBLINK") => {
            let within = node
                .field("subselect")
                .iter()
                .any(|query| refers(query, depth + 1));
            return within || node.field("testexpr").iter().any(|part| refers(part, depth));
        }
        // `RTE` until PostgreSQL 15.
        Some("RANGETBLENTRY" | "RTE") => depth + i64::from(!node.field("subquery").is_empty()),
        Some("COMMONTABLEEXPR") => depth + 1,
        _ => depth,
    };
    let mut found = false;
    node.each_child(&mut |child| found = found || refers(child, inner));
    found
}

impl Node {
    fn name(&self) -> Option<&str> {
        match self {
            Node::Struct { name, .. } => Some(name),
            Node::List(_) | Node::Word(_) => None,
        }
    }

    /// The value of a field, without the sign for none.
    fn field(&self, wanted: &str) -> &[Node] {
        let Node::Struct { fields, .. } = self else {
            return &[];
        };
        let value = fields.iter().find(|(name, _)| name == wanted);
        match value.map(|(_, value)| value.as_slice()) {
            Some([Node::Word(word)]) if word == "<>" => &[],
            Some(value) => value,
            None => &[],
        }
    }

    fn number(&self, field: &str) -> Option<i64> {
        match self.field(field) {
            [Node::Word(word)] => word.parse().ok(),
            _ => None,
        }
    }

    fn each_child(&self, each: &mut impl FnMut(&Node)) {
        match self {
            Node::Struct { fields, .. } => fields.iter().flat_map(|(_, value)| value).for_each(each),
            Node::List(parts) => parts.iter().for_each(each),
            Node::Word(_) => {}
        }
    }
}

/// The words and brackets of a text.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '}' | '(' | ')' => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                words.push(letter.to_string());
            }
            '\\' => word.extend(['\\'].into_iter().chain(letters.next())),
            blank if blank.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn read(rest: &mut &[String]) -> Option<Node> {
    match take(rest)? {
        "{" => {
            let name = take(rest)?.to_owned();
            let mut fields: Vec<(String, Vec<Node>)> = Vec::new();
            loop {
                match rest.first()?.as_str() {
                    "}" => {
                        take(rest)?;
                        return Some(Node::Struct { name, fields });
                    }
                    field if field.starts_with(':') => {
                        fields.push((field.trim_start_matches(':').to_owned(), Vec::new()));
                        take(rest)?;
                    }
                    _ => {
                        let part = read(rest)?;
                        fields.last_mut()?.1.push(part);
                    }
                }
            }
        }
        "(" => {
            let mut parts = Vec::new();
            while rest.first()? != ")" {
                parts.push(read(rest)?);
            }
            take(rest)?;
            Some(Node::List(parts))
        }
        "}" | ")" => None,
        word => Some(Node::Word(word.to_owned())),
    }
}

fn take<'a>(rest: &mut &'a [String]) -> Option<&'a str> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMN: &str = "{VAR :varno 1 :varattno 2 :varlevelsup 0 :location 12}";
    const OUTER: &str = "{VAR :varno 1 :varattno 2 :varlevelsup 1 :location 12}";

    fn call(function: i64, arguments: &str) -> String {
        format!("{{FUNCEXPR :funcid {function} :funcretset false :args {arguments} :location 4}}")
    }

    fn subquery(quals: &str) -> String {
        format!(
            "{{SUBLINK :subLinkType 2 :testexpr {COLUMN} :subselect {{QUERY :commandType 1 :rtable \
             ({{RANGETBLENTRY :alias <> :relid 99 :subquery <>}}) :jointree {{FROMEXPR :quals {quals}}}}} :location 3}}"
        )
    }

    #[track_caller]
    fn check(text: &str, expected: &[PerRow]) {
        let tree = parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(per_row(&tree), expected, "{text}");
    }

    #[test]
    fn a_call_without_columns_is_found_once_with_its_arguments() {
        let nested = call(1, &format!("({})", call(2, "<>")));
        check(
            &format!("{{OPEXPR :opno 96 :args ({COLUMN} {nested})}}"),
            &[PerRow::Call { function: 1 }],
        );
        check(
            &format!("({nested} {nested} {})", call(3, &format!("({COLUMN})"))),
            &[
                PerRow::Call { function: 1 },
                PerRow::CallWithColumns { function: 3 },
            ],
        );
    }

    #[test]
    fn a_call_within_a_query_of_its_own_is_made_once() {
        check(&subquery(&call(1, "<>")), &[]);
    }

    #[test]
    fn a_query_that_depends_on_the_row_runs_for_every_row() {
        let within = format!("{{OPEXPR :opno 96 :args ({COLUMN} {OUTER})}}");
        check(&subquery(&within), &[PerRow::Subquery]);
        check(
            &subquery(&format!("{{OPEXPR :opno 96 :args ({COLUMN} {COLUMN})}}")),
            &[],
        );
    }

    #[test]
    fn words_with_escapes_and_constants_are_read() {
        let text = "{CONST :consttype 25 :constvalue 6 [ 24 0 0 0 97 98 ] :name a\\ b\\} :none <>}";
        let Some(Node::Struct { name, fields }) = parse(text) else {
            panic!("{text}");
        };
        assert_eq!((name.as_str(), fields.len()), ("CONST", 4));
        assert_eq!(fields[2].1, [Node::Word("a\\ b\\}".to_owned())]);
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "[{}() :a-zA-Z0-9<>\\\\]{0,80}") {
            if let Some(tree) = parse(&text) {
                per_row(&tree);
            }
        }
    }
}
