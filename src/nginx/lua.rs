//! Where a block of Lua code ends: at its closing brace, not at one in a string or comment.

/// The byte where the brace stands that closes the block whose body starts at `from`.
pub(super) fn end_of_block(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut open = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'}' if open == 0 => return Some(at),
            b'}' => {
                open -= 1;
                at + 1
            }
            b'{' => {
                open += 1;
                at + 1
            }
            b'"' | b'\'' => end_of_string(bytes, at)?,
            b'-' if bytes.get(at + 1) == Some(&b'-') => match long_bracket(bytes, at + 2) {
                Some(level) => end_of_long(bytes, at + 2, level)?,
                None => end_of_line(bytes, at),
            },
            b'[' => match long_bracket(bytes, at) {
                Some(level) => end_of_long(bytes, at, level)?,
                None => at + 1,
            },
            _ => at + 1,
        };
    }
    None
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == bytes[start] => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    let rest = &bytes[from..];
    from + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
}

/// How many `=` stand between the brackets of `[==[`, if such a bracket stands here.
fn long_bracket(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|b| **b == b'=').count();
    (rest.get(level) == Some(&b'[')).then_some(level)
}

fn end_of_long(bytes: &[u8], at: usize, level: usize) -> Option<usize> {
    let closing: Vec<u8> = std::iter::once(b']')
        .chain(std::iter::repeat_n(b'=', level))
        .chain(std::iter::once(b']'))
        .collect();
    let body = at + closing.len();
    let offset = bytes
        .get(body..)?
        .windows(closing.len())
        .position(|window| window == closing)?;
    Some(body + offset + closing.len())
}
