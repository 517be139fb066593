//! One parsed file: its functions, assignments and calls, gathered in one walk over the tree.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use std::sync::LazyLock;
use tree_sitter::Node;

/// A language with a real parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Java.
    Java,
    /// Python.
    Python,
    /// Go.
    Go,
}

/// Words without which a file holds no use of cryptography.
static HINTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::new([
        "javax.crypto",
        "java.security",
        "javax.net.ssl",
        "bouncycastle",
        "java.util.Random",
        "java.util.*",
        "Math.random",
        "SecretKey",
        "MessageDigest",
        "HostnameVerifier",
        "TrustManager",
        "hashlib",
        "hmac",
        "Crypto",
        "cryptography",
        "import ssl",
        "from ssl",
        "requests",
        "random",
        "jwt",
        "paramiko",
        "OpenSSL",
        "nacl",
        "crypto/",
        "math/rand",
        "passlib",
        "http://",
        "urllib3",
        "rsa",
        "pyDes",
        "DES",
    ])
    .ok()
});

impl Language {
    /// The name reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Python => "python",
            Self::Go => "go",
        }
    }

    /// Whether a file is worth parsing.
    pub fn may_matter(self, data: &[u8]) -> bool {
        HINTS.as_ref().is_none_or(|hints| hints.is_match(data))
    }
}

/// A function or method.
pub struct Function<'t> {
    /// Its name.
    pub name: String,
    /// Names of its parameters, in order.
    pub parameters: Vec<String>,
    /// Its whole node.
    pub node: Node<'t>,
}

/// An assignment or initialisation.
pub struct Assignment<'t> {
    /// Name assigned to; `self.` and `this.` are cut off.
    pub name: String,
    /// What is assigned.
    pub value: Node<'t>,
    /// Function it stands in, if any.
    pub function: Option<usize>,
    /// Whether one element of an array or map is assigned, not the whole.
    pub element: bool,
    /// Where.
    pub at: usize,
}

/// A call or the creation of an object.
pub struct Call<'t> {
    /// The whole call.
    pub node: Node<'t>,
    /// What is called, with imports resolved: `hashlib.md5`, `Cipher.getInstance`, `new SecretKeySpec`.
    pub callee: String,
    /// The receiver, for methods.
    pub receiver: Option<Node<'t>>,
    /// Positional arguments.
    pub arguments: Vec<Node<'t>>,
    /// Named arguments.
    pub named: HashMap<String, Node<'t>>,
    /// Function it stands in.
    pub function: Option<usize>,
}

impl<'t> Call<'t> {
    /// The last word of what is called.
    pub fn method(&self) -> &str {
        self.callee
            .rsplit(['.', ' '])
            .next()
            .unwrap_or(&self.callee)
    }

    /// An argument by name, else by position.
    pub fn argument(&self, name: &str, position: usize) -> Option<Node<'t>> {
        self.named
            .get(name)
            .copied()
            .or_else(|| self.arguments.get(position).copied())
    }
}

/// One file.
pub struct Unit<'t> {
    /// Its language.
    pub language: Language,
    /// Its text.
    pub text: &'t [u8],
    /// Its functions.
    pub functions: Vec<Function<'t>>,
    /// Its assignments, in textual order.
    pub assignments: Vec<Assignment<'t>>,
    /// Its calls, in textual order.
    pub calls: Vec<Call<'t>>,
    /// Local name → what was imported.
    pub imports: HashMap<String, String>,
    /// Other nodes a language module asks for: keyed elements, classes.
    pub others: Vec<(Node<'t>, Option<usize>)>,
}

impl<'t> Unit<'t> {
    /// Walks the tree once.
    pub fn new(language: Language, text: &'t [u8], root: Node<'t>) -> Self {
        let mut unit = Self {
            language,
            text,
            functions: Vec::new(),
            assignments: Vec::new(),
            calls: Vec::new(),
            imports: HashMap::new(),
            others: Vec::new(),
        };
        let mut todo: Vec<(Node<'t>, Option<usize>)> = vec![(root, None)];
        while let Some((node, mut function)) = todo.pop() {
            match node.kind() {
                "method_declaration"
                | "constructor_declaration"
                | "function_definition"
                | "function_declaration"
                | "func_literal"
                | "lambda_expression" => {
                    function = Some(unit.functions.len());
                    unit.function(node);
                }
                "variable_declarator"
                | "assignment_expression"
                | "assignment"
                | "short_var_declaration"
                | "assignment_statement"
                | "var_spec"
                | "const_spec"
                | "default_parameter"
                | "typed_default_parameter" => {
                    unit.assignment(node, function);
                }
                "method_invocation" | "object_creation_expression" | "call" | "call_expression" => {
                    unit.call(node, function);
                }
                "import_statement"
                | "import_from_statement"
                | "import_declaration"
                | "import_spec" => unit.import(node),
                "keyed_element"
                | "class_declaration"
                | "attribute"
                | "field_access"
                | "selector_expression" => unit.others.push((node, function)),
                _ => {}
            }
            let mut cursor = node.walk();
            let children: Vec<Node<'t>> = node.named_children(&mut cursor).collect();
            todo.extend(children.into_iter().rev().map(|child| (child, function)));
        }
        // aliases are known only now: imports may stand anywhere
        let callees: Vec<String> = unit
            .calls
            .iter()
            .map(|call| unit.resolved(&call.callee))
            .collect();
        for (call, callee) in unit.calls.iter_mut().zip(callees) {
            call.callee = callee;
        }
        unit
    }

    /// Text of a node.
    pub fn of(&self, node: Node<'_>) -> &'t str {
        self.text
            .get(node.byte_range())
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// A dotted name with its first word replaced by what it was imported as.
    pub fn resolved(&self, name: &str) -> String {
        let (first, rest) = name
            .split_once('.')
            .map_or((name, None), |(f, r)| (f, Some(r)));
        match (self.imports.get(first), rest) {
            (Some(full), Some(rest)) => format!("{full}.{rest}"),
            (Some(full), None) => full.clone(),
            (None, _) => name.to_owned(),
        }
    }

    /// Line of a node, counted from one.
    pub fn line(node: Node<'_>) -> u32 {
        u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
    }

    fn function(&mut self, node: Node<'t>) {
        let name = node
            .child_by_field_name("name")
            .map(|name| self.of(name).to_owned())
            .unwrap_or_default();
        let mut parameters = Vec::new();
        if let Some(list) = node.child_by_field_name("parameters") {
            let mut cursor = list.walk();
            for parameter in list.named_children(&mut cursor) {
                let named = parameter.child_by_field_name("name");
                let names: Vec<Node<'t>> = if self.language == Language::Go {
                    let mut inner = parameter.walk();
                    parameter
                        .children_by_field_name("name", &mut inner)
                        .collect()
                } else {
                    named.into_iter().collect()
                };
                if names.is_empty() {
                    let text = self.of(parameter);
                    if text != "self" && text != "cls" {
                        parameters.push(
                            text.split([':', '='])
                                .next()
                                .unwrap_or(text)
                                .trim()
                                .to_owned(),
                        );
                    }
                }
                parameters.extend(names.into_iter().map(|name| self.of(name).to_owned()));
            }
        }
        self.functions.push(Function {
            name,
            parameters,
            node,
        });
    }

    fn assignment(&mut self, node: Node<'t>, function: Option<usize>) {
        let left = node
            .child_by_field_name("left")
            .or_else(|| node.child_by_field_name("name"));
        let right = node
            .child_by_field_name("right")
            .or_else(|| node.child_by_field_name("value"));
        let (Some(left), Some(right)) = (left, right) else {
            return;
        };
        let list = |node: Node<'t>| -> Vec<Node<'t>> {
            if matches!(node.kind(), "expression_list" | "pattern_list") {
                let mut cursor = node.walk();
                node.named_children(&mut cursor).collect()
            } else {
                vec![node]
            }
        };
        let (lefts, rights) = (list(left), list(right));
        for (index, target) in lefts.iter().enumerate() {
            let value = if rights.len() == lefts.len() {
                rights.get(index)
            } else {
                rights.first()
            };
            let Some(value) = value.copied() else {
                continue;
            };
            let text = self.of(*target);
            let element = matches!(
                target.kind(),
                "array_access" | "subscript" | "index_expression"
            );
            let base = text.split('[').next().unwrap_or(text);
            let name = base.rsplit('.').next().unwrap_or(base).trim().to_owned();
            self.assignments.push(Assignment {
                name,
                value,
                function,
                element,
                at: node.start_byte(),
            });
        }
    }

    fn call(&mut self, node: Node<'t>, function: Option<usize>) {
        let (callee, receiver) = match node.kind() {
            "method_invocation" => {
                let object = node.child_by_field_name("object");
                let name = node
                    .child_by_field_name("name")
                    .map_or("", |name| self.of(name));
                let before = object.map_or("", |object| self.of(object));
                let short = if before.len() > 200 { "" } else { before };
                (
                    if short.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{short}.{name}")
                    },
                    object,
                )
            }
            "object_creation_expression" => {
                let kind = node
                    .child_by_field_name("type")
                    .map_or("", |kind| self.of(kind));
                let short = kind.split('<').next().unwrap_or(kind);
                let last = short.rsplit('.').next().unwrap_or(short);
                (format!("new {last}"), None)
            }
            _ => {
                let Some(target) = node.child_by_field_name("function") else {
                    return;
                };
                let receiver = target
                    .child_by_field_name("object")
                    .or_else(|| target.child_by_field_name("operand"));
                let text = self.of(target);
                let short = if text.len() > 200 || text.contains('(') {
                    // a chain: keep the method only
                    target
                        .child_by_field_name("attribute")
                        .or_else(|| target.child_by_field_name("field"))
                        .map_or("", |last| self.of(last))
                } else {
                    text
                };
                (short.to_owned(), receiver)
            }
        };
        let mut arguments = Vec::new();
        let mut named = HashMap::new();
        if let Some(list) = node.child_by_field_name("arguments") {
            let mut cursor = list.walk();
            for argument in list.named_children(&mut cursor) {
                if argument.kind() == "keyword_argument" {
                    if let (Some(name), Some(value)) = (
                        argument.child_by_field_name("name"),
                        argument.child_by_field_name("value"),
                    ) {
                        named.insert(self.of(name).to_owned(), value);
                    }
                } else if !argument.kind().contains("comment") {
                    arguments.push(argument);
                }
            }
        }
        self.calls.push(Call {
            node,
            callee,
            receiver,
            arguments,
            named,
            function,
        });
    }

    fn import(&mut self, node: Node<'t>) {
        match (self.language, node.kind()) {
            (Language::Python, "import_statement" | "import_from_statement") => {
                let module = node
                    .child_by_field_name("module_name")
                    .map(|module| self.of(module).to_owned());
                let mut cursor = node.walk();
                let names: Vec<Node<'t>> =
                    node.children_by_field_name("name", &mut cursor).collect();
                for name in names {
                    let (full, local) = if name.kind() == "aliased_import" {
                        let full = name.child_by_field_name("name").map_or("", |n| self.of(n));
                        let alias = name.child_by_field_name("alias").map_or("", |n| self.of(n));
                        (full.to_owned(), alias.to_owned())
                    } else {
                        let full = self.of(name).to_owned();
                        (full.clone(), full)
                    };
                    let target = match &module {
                        Some(module) => format!("{module}.{full}"),
                        None => full,
                    };
                    // `import a.b` binds a
                    if local != target && !local.contains('.') {
                        self.imports.insert(local, target);
                    } else {
                        self.imports.entry(target.clone()).or_insert(target);
                    }
                }
            }
            (Language::Go, "import_spec") => {
                let path = node
                    .child_by_field_name("path")
                    .map_or("", |path| self.of(path))
                    .trim_matches(['"', '`'])
                    .to_owned();
                let local = node.child_by_field_name("name").map_or_else(
                    || {
                        path.rsplit('/')
                            .find(|part| !part.starts_with('v') || part.len() > 3)
                            .unwrap_or(&path)
                            .to_owned()
                    },
                    |name| self.of(name).to_owned(),
                );
                self.imports.insert(local, path);
            }
            (Language::Java, "import_declaration") => {
                let text = self
                    .of(node)
                    .trim_start_matches("import ")
                    .trim_end_matches(';')
                    .trim();
                self.imports
                    .insert(format!("import {text}"), text.to_owned());
            }
            _ => {}
        }
    }
}
