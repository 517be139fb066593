//! A reader of HCL (Terraform): blocks, attributes, literals. Expressions are kept as text; what cannot be read is
//! stepped over, so a file with unknown syntax still gives the blocks around it.

use serde_json::{Map, Value};

/// Deepest nesting followed.
const MAX_DEPTH: usize = 32;

/// One block: `kind "label" "label" { body }`.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// First word.
    pub kind: String,
    /// Labels.
    pub labels: Vec<String>,
    /// Attributes, and nested blocks as arrays of objects.
    pub body: Map<String, Value>,
    /// Line it begins on.
    pub line: u32,
}

/// A cursor over the text.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

/// The blocks of a file.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader {
        text: text.as_bytes(),
        at: 0,
    };
    let mut out = Vec::new();
    while reader.skip_space() {
        let start = reader.at;
        if let Some(block) = reader.block_or_attribute(0) {
            if let Item::Block(block) = block {
                out.push(block);
            }
        } else {
            reader.skip_line();
        }
        if reader.at <= start {
            reader.at = start + 1;
        }
    }
    out
}

/// What stands in a body.
enum Item {
    Block(Block),
    Attribute(String, Value),
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Steps over blanks and comments; false at the end.
    fn skip_space(&mut self) -> bool {
        while let Some(byte) = self.peek() {
            let rest = self.text.get(self.at..).unwrap_or_default();
            if byte.is_ascii_whitespace() || byte == b',' {
                self.at += 1;
            } else if byte == b'#' || rest.starts_with(b"//") {
                self.skip_line();
            } else if rest.starts_with(b"/*") {
                self.at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
            } else {
                return true;
            }
        }
        false
    }

    fn skip_line(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    }

    fn line(&self) -> u32 {
        let before = self.text.get(..self.at).unwrap_or_default();
        u32::try_from(memchr::memchr_iter(b'\n', before).count() + 1).unwrap_or(u32::MAX)
    }

    fn word(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        if rest.first() == Some(&b'"') {
            return match self.string()? {
                Value::String(text) => Some(text),
                _ => None,
            };
        }
        let end = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || b"_-.".contains(byte)))
            .unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        self.at += end;
        Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
    }

    fn blanks(&mut self) {
        while self
            .peek()
            .is_some_and(|byte| byte == b' ' || byte == b'\t')
        {
            self.at += 1;
        }
    }

    fn block_or_attribute(&mut self, depth: usize) -> Option<Item> {
        let line = self.line();
        let kind = self.word()?;
        let mut labels = Vec::new();
        loop {
            self.blanks();
            match self.peek()? {
                b'=' => {
                    self.at += 1;
                    self.skip_space();
                    return Some(Item::Attribute(kind, self.value(depth)?));
                }
                b':' => {
                    self.at += 1;
                    self.skip_space();
                    return Some(Item::Attribute(kind, self.value(depth)?));
                }
                b'{' => {
                    self.at += 1;
                    let body = self.body(depth + 1)?;
                    return Some(Item::Block(Block {
                        kind,
                        labels,
                        body,
                        line,
                    }));
                }
                _ => labels.push(self.word()?),
            }
        }
    }

    /// Attributes and blocks up to the closing brace.
    fn body(&mut self, depth: usize) -> Option<Map<String, Value>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut map = Map::new();
        while self.skip_space() {
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Some(map);
            }
            let start = self.at;
            match self.block_or_attribute(depth) {
                Some(Item::Attribute(name, value)) => {
                    map.insert(name, value);
                }
                Some(Item::Block(block)) => {
                    let entry = map
                        .entry(block.kind)
                        .or_insert_with(|| Value::Array(Vec::new()));
                    if let Value::Array(list) = entry {
                        list.push(Value::Object(block.body));
                    }
                }
                None => self.skip_line(),
            }
            if self.at <= start {
                self.at = start + 1;
            }
        }
        Some(map)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let rest = self.text.get(self.at..)?;
        match rest.first()? {
            b'"' => self.string(),
            b'[' => {
                self.at += 1;
                let mut list = Vec::new();
                while self.skip_space() {
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        break;
                    }
                    let start = self.at;
                    list.push(self.value(depth + 1)?);
                    if self.at <= start {
                        return None;
                    }
                }
                Some(Value::Array(list))
            }
            b'{' => {
                self.at += 1;
                self.body(depth + 1).map(Value::Object)
            }
            b'<' if rest.starts_with(b"<<") => self.heredoc(),
            _ => Some(self.expression()),
        }
    }

    /// A quoted string; templates stay as text.
    fn string(&mut self) -> Option<Value> {
        let mut out = Vec::new();
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => {
                    let next = self.peek()?;
                    self.at += 1;
                    out.push(if next == b'n' { b'\n' } else { next });
                }
                b'"' => {
                    return Some(Value::String(String::from_utf8_lossy(&out).into_owned()));
                }
                b'\n' => return None,
                other => out.push(other),
            }
        }
        None
    }

    fn heredoc(&mut self) -> Option<Value> {
        let rest = self.text.get(self.at..)?;
        let line_end = memchr::memchr(b'\n', rest)?;
        let mark = String::from_utf8_lossy(rest.get(2..line_end)?)
            .trim()
            .trim_start_matches('-')
            .to_owned();
        self.at += line_end + 1;
        let mut text = String::new();
        while self.at < self.text.len() {
            let rest = self.text.get(self.at..)?;
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = String::from_utf8_lossy(rest.get(..end)?).into_owned();
            self.at += end + 1;
            if line.trim() == mark {
                break;
            }
            text.push_str(&line);
            text.push('\n');
        }
        Some(Value::String(text))
    }

    /// A literal, or an expression up to the end of its line.
    fn expression(&mut self) -> Value {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut nesting = 0_usize;
        let mut end = rest.len();
        for (index, byte) in rest.iter().enumerate() {
            match byte {
                b'(' | b'[' | b'{' => nesting += 1,
                b')' | b']' | b'}' if nesting > 0 => nesting -= 1,
                b'\n' | b',' | b']' | b'}' | b'#' if nesting == 0 => {
                    end = index;
                    break;
                }
                _ => {}
            }
        }
        let text = String::from_utf8_lossy(rest.get(..end).unwrap_or_default())
            .trim()
            .to_owned();
        self.at += end;
        match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            number => match number.parse::<i64>() {
                Ok(number) => Value::from(number),
                Err(_) => Value::String(format!("${{{text}}}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_attributes_lists_and_nested_blocks_are_read() {
        let text = "# a comment\nresource \"aws_kms_key\" \"k\" {\n  enable_key_rotation = false\n  tags = { a = \"b\" }\n  deletion_window_in_days = 7\n  list = [\"x\", \"y\"]\n  inner {\n    on = true\n  }\n  policy = <<EOT\n{ \"a\": 1 }\nEOT\n  ref = aws_x.y[0].arn\n}\n";
        let all = blocks(text);
        assert_eq!(all.len(), 1);
        let body = Value::Object(all[0].body.clone());
        assert_eq!(all[0].labels, ["aws_kms_key", "k"]);
        assert_eq!(all[0].line, 2);
        assert_eq!(body["enable_key_rotation"], false);
        assert_eq!(body["inner"][0]["on"], true);
        assert_eq!(body["list"][1], "y");
        assert_eq!(body["deletion_window_in_days"], 7);
        assert_eq!(body["ref"], "${aws_x.y[0].arn}");
    }

    #[test]
    fn broken_text_ends_and_gives_what_stands_around_it() {
        let text = "}}} = = {\nresource \"a\" \"b\" {\n x = \nresource \"c\" \"d\" { y = 1 }\n";
        let _ = blocks(text);
        let _ = blocks(&"a {".repeat(10_000));
        let _ = blocks(&"x = [".repeat(10_000));
    }
}
