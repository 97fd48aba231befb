//! How long a file and a function may be, and how many arguments one may take.

use crate::lexer::{Kind, Token, tokens};
use crate::tree::{Finding, Source};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;
const ARGUMENTS: usize = 5;

pub(crate) fn long_files(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let long = lines > FILE_LINES;
    let what = format!("{lines} lines, more than {FILE_LINES}");
    long.then(|| Finding::new(source, lines, what))
        .into_iter()
        .collect()
}

pub(crate) fn large_functions(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for Function {
        name,
        line,
        lines,
        arguments,
    } in functions(&tokens(&source.text))
    {
        if lines > FUNCTION_LINES {
            let what = format!("`{name}` has {lines} lines, more than {FUNCTION_LINES}");
            found.push(Finding::new(source, line, what));
        }
        if arguments > ARGUMENTS {
            let what = format!("`{name}` takes {arguments} arguments, more than {ARGUMENTS}");
            found.push(Finding::new(source, line, what));
        }
    }
    found
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    line: usize,
    /// From the line of `fn` to the closing brace.
    pub(crate) lines: usize,
    /// Without `self`.
    pub(crate) arguments: usize,
}

pub(crate) fn functions(tokens: &[Token]) -> Vec<Function> {
    let pairs = tokens.windows(2).enumerate();
    pairs
        .filter_map(|(at, pair)| match pair {
            [keyword, name] if keyword.is_word("fn") && name.kind == Kind::Word => {
                Some(function(tokens, at, name))
            }
            _ => None,
        })
        .collect()
}

fn function(tokens: &[Token], at: usize, name: &Token) -> Function {
    let mut open = at + 2;
    if tokens.get(open).is_some_and(|it| it.is_mark("<")) {
        open = closing(tokens, open) + 1;
    }
    let close = closing(tokens, open);
    let arguments = arguments(tokens.get(open + 1..close).unwrap_or_default());
    let end = tokens.get(close..).unwrap_or_default();
    let end = end
        .iter()
        .position(|it| it.is_mark("{") || it.is_mark(";"))
        .unwrap_or(0)
        + close;
    let last = if tokens.get(end).is_some_and(|it| it.is_mark("{")) {
        closing(tokens, end)
    } else {
        end
    };
    let line = tokens.get(at).map_or(0, |it| it.line);
    let lines = tokens.get(last).map_or(0, |it| it.line - line + 1);
    Function {
        name: name.text.clone(),
        line,
        lines,
        arguments,
    }
}

fn arguments(tokens: &[Token]) -> usize {
    let mut arguments: Vec<Vec<&Token>> = vec![Vec::new()];
    let mut depth = 0;
    for token in tokens {
        depth += step(token, true);
        if depth == 0 && token.is_mark(",") {
            arguments.push(Vec::new());
        } else if let Some(argument) = arguments.last_mut() {
            argument.push(token);
        }
    }
    arguments.retain(|argument| !argument.is_empty());
    let receiver = arguments.first().is_some_and(|first| {
        let name = |it: &&&Token| it.kind == Kind::Word && it.text != "mut";
        first.iter().find(name).is_some_and(|it| it.text == "self")
    });
    arguments.len() - usize::from(receiver)
}

/// Where the bracket at `open` is closed.
fn closing(tokens: &[Token], open: usize) -> usize {
    // Angles are brackets only where types stand; in a body they compare.
    let angles = !tokens.get(open).is_some_and(|it| it.is_mark("{"));
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        depth += step(token, angles);
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

fn step(token: &Token, angles: bool) -> i32 {
    match (token.kind, token.text.as_str()) {
        (Kind::Mark, "(" | "[" | "{") => 1,
        (Kind::Mark, ")" | "]" | "}") => -1,
        (Kind::Mark, "<") if angles => 1,
        (Kind::Mark, ">") if angles => -1,
        _ => 0,
    }
}
