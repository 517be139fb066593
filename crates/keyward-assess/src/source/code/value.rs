//! What an expression is worth, as far as constants tell: literals, names assigned once, parameters with the
//! arguments their callers give, results of functions of the same file. Bounded in depth.

use tree_sitter::Node;

use super::unit::{Call, Language, Unit};

/// Deepest chain of names and calls that is followed.
const MAX_DEPTH: u32 = 10;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
    /// Constant bytes, characters or a list of constants.
    Bytes,
    /// Not known, or not constant.
    Unknown,
}

impl Value {
    /// Whether it is a constant.
    pub fn is_constant(&self) -> bool {
        *self != Self::Unknown
    }

    /// Its text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its number.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Methods that turn constants into constants.
const KEEPS: &[&str] = &[
    "getBytes",
    "toCharArray",
    "encode",
    "decode",
    "fromhex",
    "unhexlify",
    "b64decode",
    "a2b_hex",
    "DecodeString",
    "decodeBase64",
    "parseHexBinary",
    "decodeHex",
    "valueOf",
    "bytes",
    "bytearray",
    "toUpperCase",
    "toLowerCase",
    "upper",
    "lower",
    "trim",
    "strip",
    "clone",
    "toString",
    "parseInt",
    "ToUpper",
    "ToLower",
    "TrimSpace",
    "str",
    "int",
    "of",
    "asList",
    "copyOf",
    "copyOfRange",
    "ljust",
    "rjust",
    "b16decode",
    "b32decode",
    "String",
    "Integer",
    "intern",
    "get",
    "getOrDefault",
    "getProperty",
];

impl<'t> Unit<'t> {
    /// The value of an expression used at a place.
    pub fn value(&self, node: Node<'t>, function: Option<usize>, depth: u32) -> Value {
        if depth > MAX_DEPTH {
            return Value::Unknown;
        }
        let inner = |name: &str| node.child_by_field_name(name);
        match node.kind() {
            "string_literal"
            | "interpreted_string_literal"
            | "raw_string_literal"
            | "string"
            | "concatenated_string"
            | "character_literal"
            | "rune_literal" => self.string(node),
            "decimal_integer_literal" | "integer" | "int_literal" | "hex_integer_literal" => {
                self.integer(node)
            }
            "parenthesized_expression"
            | "expression_list"
            | "cast_expression"
            | "unary_expression"
            | "unary_operator" => {
                let last = node.named_child_count().saturating_sub(1);
                u32::try_from(last)
                    .ok()
                    .and_then(|last| node.named_child(last))
                    .map_or(Value::Unknown, |child| {
                        self.value(child, function, depth + 1)
                    })
            }
            "binary_expression" | "binary_operator" => self.binary(node, function, depth),
            "identifier" => self.name(self.of(node), node, function, depth),
            "field_access" | "attribute" | "selector_expression" => {
                let last = inner("field").or_else(|| inner("attribute"));
                last.map_or(Value::Unknown, |last| {
                    self.field(self.of(last), function, node, depth)
                })
            }
            "array_creation_expression" => match inner("value") {
                Some(list) => self.value(list, function, depth + 1),
                // new byte[16]: zeros
                None => Value::Bytes,
            },
            "array_initializer" | "list" | "tuple" | "literal_value" | "literal_element" => {
                self.list(node, function, depth)
            }
            "composite_literal" => {
                inner("body").map_or(Value::Unknown, |body| self.list(body, function, depth))
            }
            "type_conversion_expression" => inner("operand").map_or(Value::Unknown, |operand| {
                self.value(operand, function, depth + 1)
            }),
            "array_access" | "subscript" | "index_expression" | "slice_expression" => {
                self.access(node, function, depth)
            }
            "ternary_expression" | "conditional_expression" => self.branches(node, function, depth),
            "method_invocation" | "call" | "call_expression" | "object_creation_expression" => {
                self.call_value(node, depth)
            }
            _ => Value::Unknown,
        }
    }

    /// An element of a list, or a part of it.
    fn access(&self, node: Node<'t>, function: Option<usize>, depth: u32) -> Value {
        let base = ["array", "value", "operand"]
            .iter()
            .find_map(|name| node.child_by_field_name(name));
        let Some(base) = base else {
            return Value::Unknown;
        };
        match self.value(base, function, depth + 1) {
            Value::Bytes => self.element(base, node, function, depth),
            other => other,
        }
    }

    /// A choice of two: constant if one of them is.
    fn branches(&self, node: Node<'t>, function: Option<usize>, depth: u32) -> Value {
        let mut cursor = node.walk();
        let parts: Vec<Node<'t>> = node.named_children(&mut cursor).collect();
        let branches = match self.language {
            Language::Python => [parts.first(), parts.get(2)],
            _ => [parts.get(1), parts.get(2)],
        };
        branches
            .into_iter()
            .flatten()
            .map(|branch| self.value(*branch, function, depth + 1))
            .find(Value::is_constant)
            .unwrap_or(Value::Unknown)
    }

    fn string(&self, node: Node<'t>) -> Value {
        let text = self.of(node);
        // an interpolated string is not constant
        let mut cursor = node.walk();
        if node
            .named_children(&mut cursor)
            .any(|child| child.kind() == "interpolation")
        {
            return Value::Unknown;
        }
        let body = text
            .trim_start_matches(['b', 'B', 'r', 'R', 'u', 'U'])
            .trim_matches(['"', '\'', '`']);
        Value::Text(body.to_owned())
    }

    fn integer(&self, node: Node<'t>) -> Value {
        let text = self.of(node).replace('_', "");
        let text = text.trim_end_matches(['L', 'l']);
        text.strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .map_or_else(
                || text.parse().ok(),
                |hex| i64::from_str_radix(hex, 16).ok(),
            )
            .map_or(Value::Unknown, Value::Number)
    }

    fn binary(&self, node: Node<'t>, function: Option<usize>, depth: u32) -> Value {
        let (Some(left), Some(right)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
        ) else {
            return Value::Unknown;
        };
        let operator = node
            .child_by_field_name("operator")
            .map_or("", |operator| self.of(operator));
        match (
            self.value(left, function, depth + 1),
            operator,
            self.value(right, function, depth + 1),
        ) {
            (Value::Text(a), "+", Value::Text(b)) => Value::Text(a + &b),
            (Value::Text(a), "+", Value::Number(b)) => Value::Text(format!("{a}{b}")),
            (Value::Number(a), "+", Value::Number(b)) => Value::Number(a.saturating_add(b)),
            (Value::Number(a), "-", Value::Number(b)) => Value::Number(a.saturating_sub(b)),
            (Value::Number(a), "*", Value::Number(b)) => Value::Number(a.saturating_mul(b)),
            (Value::Number(a), "/", Value::Number(b)) => {
                a.checked_div(b).map_or(Value::Unknown, Value::Number)
            }
            (Value::Number(a), "<<", Value::Number(b)) => u32::try_from(b)
                .ok()
                .and_then(|b| a.checked_shl(b))
                .map_or(Value::Unknown, Value::Number),
            (Value::Unknown, ..) | (.., Value::Unknown) => Value::Unknown,
            _ => Value::Bytes,
        }
    }

    /// A list of constants is constant.
    fn list(&self, node: Node<'t>, function: Option<usize>, depth: u32) -> Value {
        let mut cursor = node.walk();
        let all = node
            .named_children(&mut cursor)
            .take(64)
            .all(|child| self.value(child, function, depth + 1).is_constant());
        if all { Value::Bytes } else { Value::Unknown }
    }

    /// An element of a list of constants.
    fn element(
        &self,
        base: Node<'t>,
        access: Node<'t>,
        function: Option<usize>,
        depth: u32,
    ) -> Value {
        let index = access
            .child_by_field_name("index")
            .or_else(|| access.child_by_field_name("subscript"));
        let index = index
            .and_then(|index| self.value(index, function, depth + 1).number())
            .and_then(|index| u32::try_from(index).ok());
        let list = self
            .definition(self.of(base), base.start_byte(), function)
            .and_then(|list| {
                if list.kind() == "array_creation_expression" {
                    list.child_by_field_name("value")
                } else if list.kind() == "composite_literal" {
                    list.child_by_field_name("body")
                } else {
                    Some(list)
                }
            });
        match (list, index) {
            (Some(list), Some(index)) => list.named_child(index).map_or(Value::Bytes, |element| {
                self.value(element, function, depth + 1)
            }),
            _ => Value::Bytes,
        }
    }

    /// What a name was last assigned before a place, in the same function, else in the file.
    pub fn definition(&self, name: &str, at: usize, function: Option<usize>) -> Option<Node<'t>> {
        let name = name.rsplit('.').next().unwrap_or(name);
        let whole = |assignment: &&super::unit::Assignment<'t>| {
            assignment.name == name && !assignment.element
        };
        self.assignments
            .iter()
            .filter(whole)
            .rfind(|assignment| assignment.function == function && assignment.at < at)
            .or_else(|| {
                self.assignments
                    .iter()
                    .filter(whole)
                    .rfind(|assignment| assignment.function.is_none())
            })
            .map(|assignment| assignment.value)
    }

    fn name(&self, name: &str, node: Node<'t>, function: Option<usize>, depth: u32) -> Value {
        if self.is_filled(name, node.start_byte(), function) {
            return Value::Unknown;
        }
        let here = self
            .assignments
            .iter()
            .rev()
            .find(|assignment| {
                assignment.name == name
                    && !assignment.element
                    && assignment.function == function
                    && assignment.at < node.start_byte()
            })
            // an assignment whose value contains this use defines it later: x = f(x)
            .filter(|assignment| !assignment.value.byte_range().contains(&node.start_byte()));
        if let Some(assignment) = here {
            return self.value(assignment.value, function, depth + 1);
        }
        if let Some(position) = function
            .and_then(|index| self.functions.get(index))
            .and_then(|function| function.parameters.iter().position(|known| known == name))
        {
            return self.argument_of(function, position, depth);
        }
        self.field(name, function, node, depth)
    }

    /// What callers of the same file give for a parameter.
    fn argument_of(&self, function: Option<usize>, position: usize, depth: u32) -> Value {
        let Some(function) = function.and_then(|index| self.functions.get(index)) else {
            return Value::Unknown;
        };
        let class = function.name.clone();
        self.calls
            .iter()
            .filter(|call| !class.is_empty() && call.method() == class)
            .filter(|call| !call.node.byte_range().is_empty())
            .filter_map(|call| {
                let name = function.parameters.get(position)?;
                let argument = call.argument(name, position)?;
                Some(self.value(argument, call.function, depth + 2))
            })
            .find(Value::is_constant)
            .unwrap_or(Value::Unknown)
    }

    /// A field, a constant of the file, or one that is set anywhere in it.
    fn field(&self, name: &str, function: Option<usize>, node: Node<'t>, depth: u32) -> Value {
        let candidates = self
            .assignments
            .iter()
            .filter(|assignment| assignment.name == name && !assignment.element)
            .filter(|assignment| !assignment.value.byte_range().contains(&node.start_byte()));
        let mut last = Value::Unknown;
        for assignment in candidates {
            // a local of another function with the same name is another thing
            let foreign = assignment.function.is_some()
                && assignment.function != function
                && matches!(
                    assignment.value.parent().map(|parent| parent.kind()),
                    Some("variable_declarator" | "short_var_declaration")
                );
            if foreign {
                continue;
            }
            let value = self.value(assignment.value, assignment.function, depth + 1);
            if value.is_constant() || assignment.function == function {
                last = value;
            }
        }
        last
    }

    /// Whether an array is filled with something before it is used.
    fn is_filled(&self, name: &str, at: usize, function: Option<usize>) -> bool {
        const FILLS: &[&str] = &[
            "nextBytes",
            "Read",
            "ReadFull",
            "generateSeed",
            "arraycopy",
            "copy",
            "read",
            "readFully",
            "readinto",
            "getRandomBytes",
            "extend",
            "ReadAtLeast",
            "getBytes",
        ];
        let by_call = self.calls.iter().any(|call| {
            call.function == function
                && call.node.start_byte() < at
                && FILLS.contains(&call.method())
                && call
                    .arguments
                    .iter()
                    .any(|argument| self.of(*argument).split('[').next() == Some(name))
        });
        by_call
            || self.assignments.iter().any(|assignment| {
                assignment.element
                    && assignment.name == name
                    && assignment.function == function
                    && assignment.at < at
                    && !self
                        .value(assignment.value, function, MAX_DEPTH - 2)
                        .is_constant()
            })
    }

    /// The value of a call.
    fn call_value(&self, node: Node<'t>, depth: u32) -> Value {
        let Some(call) = self.calls.iter().find(|call| call.node == node) else {
            return Value::Unknown;
        };
        let method = call.method().to_owned();
        if method == "make" {
            return Value::Bytes;
        }
        if method == "getProperty" || method == "getOrDefault" {
            return call.arguments.get(1).map_or(Value::Unknown, |default| {
                self.value(*default, call.function, depth + 1)
            });
        }
        if KEEPS.contains(&method.as_str()) {
            return self.kept(call, &method, depth);
        }
        // a function of the same file that returns a constant
        let Some(index) = self
            .functions
            .iter()
            .position(|function| function.name == method && !method.is_empty())
        else {
            return Value::Unknown;
        };
        self.returned(index, depth)
    }

    /// What a function returns, if every way out is constant.
    fn returned(&self, index: usize, depth: u32) -> Value {
        let Some(function) = self.functions.get(index) else {
            return Value::Unknown;
        };
        let mut todo = vec![function.node];
        let mut found = Value::Unknown;
        while let Some(node) = todo.pop() {
            if node.kind() == "return_statement" {
                let Some(result) = node.named_child(0) else {
                    continue;
                };
                let value = self.value(result, Some(index), depth + 2);
                if !value.is_constant() {
                    return Value::Unknown;
                }
                found = value;
            }
            let mut cursor = node.walk();
            todo.extend(node.named_children(&mut cursor));
        }
        found
    }

    /// A conversion of a constant.
    fn kept(&self, call: &Call<'t>, method: &str, depth: u32) -> Value {
        let from_receiver = matches!(
            method,
            "getBytes"
                | "toCharArray"
                | "encode"
                | "toUpperCase"
                | "toLowerCase"
                | "upper"
                | "lower"
                | "trim"
                | "strip"
                | "clone"
                | "toString"
                | "intern"
                | "ljust"
                | "rjust"
                | "get"
        );
        let source = if from_receiver { call.receiver } else { None };
        let value = match source.or_else(|| call.arguments.first().copied()) {
            Some(source) => self.value(source, call.function, depth + 1),
            None => return Value::Unknown,
        };
        match (method, value) {
            (_, Value::Unknown) => Value::Unknown,
            ("toUpperCase" | "upper" | "ToUpper", Value::Text(text)) => {
                Value::Text(text.to_uppercase())
            }
            ("toLowerCase" | "lower" | "ToLower", Value::Text(text)) => {
                Value::Text(text.to_lowercase())
            }
            ("parseInt" | "int" | "valueOf", Value::Text(text)) => {
                text.parse().map_or(Value::Text(text), Value::Number)
            }
            ("bytes" | "bytearray", Value::Number(_)) => Value::Bytes,
            (
                "trim" | "strip" | "toString" | "clone" | "intern" | "str" | "TrimSpace" | "String",
                value,
            ) => value,
            ("getBytes" | "encode" | "toCharArray", value) => value,
            _ => Value::Bytes,
        }
    }
}
