//! Just enough of Rust's grammar to tell words from strings and comments, and paths from words.

use std::iter;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a keyword.
    Word,
    /// What stands inside a string literal.
    Text,
    /// Punctuation; `::`, `->` and `=>` are one token each.
    Mark,
    /// A number, a character, a lifetime: nothing that a rule asks for.
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }
}

/// A path such as `std::time::SystemTime`, written out in full also where a `use` groups several.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

impl Path {
    pub(crate) fn root(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// Whether these segments follow each other somewhere in the path.
    pub(crate) fn holds(&self, segments: &[&str]) -> bool {
        self.segments
            .windows(segments.len())
            .any(|some| some == segments)
    }
}

pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        chars: source.chars().collect(),
        at: 0,
        line: 1,
    };
    iter::from_fn(|| lexer.token()).collect()
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek(0)?;
        self.at += 1;
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        iter::from_fn(|| {
            if self.peek(0).is_some_and(&wanted) {
                self.bump()
            } else {
                None
            }
        })
        .collect()
    }

    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(blank), _) if blank.is_whitespace() => {
                    self.bump();
                }
                (Some('/'), Some('/')) => {
                    self.take_while(|c| c != '\n');
                }
                (Some('/'), Some('*')) => self.skip_block(),
                _ => return,
            }
        }
    }

    /// A block comment; they nest.
    fn skip_block(&mut self) {
        let mut depth = 0;
        while let Some(here) = self.bump() {
            match (here, self.peek(0)) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth -= 1,
                _ => continue,
            }
            self.bump();
            if depth == 0 {
                return;
            }
        }
    }

    fn token(&mut self) -> Option<Token> {
        self.skip_blanks();
        let line = self.line;
        let (kind, text) = match self.peek(0)? {
            '"' => (Kind::Text, self.string()),
            '\'' => (Kind::Other, self.quote()),
            c if c.is_ascii_digit() => (Kind::Other, self.take_while(part_of_word)),
            c if part_of_word(c) => self.word(),
            _ => (Kind::Mark, self.mark()),
        };
        Some(Token { kind, text, line })
    }

    fn string(&mut self) -> String {
        let mut text = String::new();
        self.bump();
        while let Some(c) = self.bump() {
            match c {
                '"' => break,
                // What was escaped is no matter to any rule, but it does not end the string.
                '\\' => text.extend(self.bump().filter(char::is_ascii_whitespace)),
                _ => text.push(c),
            }
        }
        text
    }

    fn raw_string(&mut self) -> String {
        let hashes = self.take_while(|c| c == '#').len();
        let mut text = String::new();
        self.bump();
        while let Some(c) = self.bump() {
            if c == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.at += hashes;
                break;
            }
            text.push(c);
        }
        text
    }

    /// A character or a lifetime.
    fn quote(&mut self) -> String {
        let start = self.at;
        self.bump();
        if self.peek(0) == Some('\\') {
            self.at += 2;
            self.take_while(|c| c != '\'');
            self.bump();
        } else if self.peek(1) == Some('\'') {
            self.bump();
            self.bump();
        } else {
            self.take_while(part_of_word);
        }
        self.chars
            .get(start..self.at)
            .unwrap_or_default()
            .iter()
            .collect()
    }

    /// A word, or the string that it is the prefix of.
    fn word(&mut self) -> (Kind, String) {
        let word = self.take_while(part_of_word);
        let hashes = self.chars.get(self.at..).unwrap_or_default();
        let hashes = hashes.iter().take_while(|&&c| c == '#').count();
        match (word.as_str(), self.peek(hashes)) {
            ("r" | "br" | "cr", Some('"')) => (Kind::Text, self.raw_string()),
            ("b" | "c", Some('"')) if hashes == 0 => (Kind::Text, self.string()),
            // A raw identifier, `r#type`.
            ("r", Some(c)) if hashes == 1 && part_of_word(c) => {
                self.bump();
                (Kind::Word, self.take_while(part_of_word))
            }
            _ => (Kind::Word, word),
        }
    }

    fn mark(&mut self) -> String {
        let two = matches!(
            (self.peek(0), self.peek(1)),
            (Some(':'), Some(':')) | (Some('-' | '='), Some('>'))
        );
        (0..=usize::from(two)).filter_map(|_| self.bump()).collect()
    }
}

fn part_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path of two segments or more, every leaf of a `use`, and the name of every attribute.
pub(crate) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        if token.is_word("use") && next.is_some_and(|next| !next.is_mark("<")) {
            at += 1;
            use_tree(tokens, &mut at, &[], &mut found);
        } else if token.is_word("extern") && next.is_some_and(|next| next.is_word("crate")) {
            at += 2;
            let name = tokens.get(at);
            found.extend(name.map(|it| Path {
                segments: vec![it.text.clone()],
                line: it.line,
            }));
        } else if token.kind == Kind::Word {
            let attribute = at > 0 && tokens.get(at - 1).is_some_and(|it| it.is_mark("["));
            let segments = segments(tokens, &mut at);
            if attribute || segments.len() > 1 {
                found.push(Path {
                    segments,
                    line: token.line,
                });
            }
        } else {
            at += 1;
        }
    }
    found
}

/// Reads `a::b::c` from `at` on, and leaves `at` behind it.
fn segments(tokens: &[Token], at: &mut usize) -> Vec<String> {
    let mut segments = Vec::new();
    while let Some(token) = tokens
        .get(*at)
        .filter(|it| it.kind == Kind::Word || it.is_mark("*"))
    {
        segments.push(token.text.clone());
        *at += 1;
        let more = tokens.get(*at).is_some_and(|it| it.is_mark("::"))
            && tokens
                .get(*at + 1)
                .is_some_and(|it| it.kind == Kind::Word || it.is_mark("*"));
        if !more {
            break;
        }
        *at += 1;
    }
    segments
}

fn use_tree(tokens: &[Token], at: &mut usize, before: &[String], found: &mut Vec<Path>) {
    if tokens.get(*at).is_some_and(|it| it.is_mark("::")) {
        *at += 1;
    }
    let line = tokens.get(*at).map_or(0, |it| it.line);
    let path = [before, &segments(tokens, at)].concat();
    if tokens.get(*at).is_some_and(|it| it.is_mark("::")) {
        *at += 1;
    }
    if !tokens.get(*at).is_some_and(|it| it.is_mark("{")) {
        found.push(Path {
            segments: path,
            line,
        });
        return;
    }
    *at += 1;
    while let Some(token) = tokens.get(*at) {
        if token.is_mark("}") {
            *at += 1;
            return;
        }
        if token.is_mark(",") {
            *at += 1;
            continue;
        }
        use_tree(tokens, at, &path, found);
        // `as other`
        while tokens.get(*at).is_some_and(|it| it.kind == Kind::Word) {
            *at += 1;
        }
    }
}
