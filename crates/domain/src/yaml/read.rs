//! From the events of the parser to values with their places, under limits.

use super::resolve::{self, Meaning};
use super::{Fault, Limits, Node, Scalar, Value, Version, shown, split};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::collections::{HashMap, HashSet};

/// The prefix of the core schema's tags (YAML 1.2.2 section 10).
const CORE: &str = "tag:yaml.org,2002:";

/// Reads every document of a stream.
///
/// # Errors
/// The first fault, with its place.
pub fn read(text: &str, limits: &Limits) -> Result<Vec<Node>, Fault> {
    documents(text, limits).into_iter().collect()
}

/// Reads every document of a stream by itself: one that cannot be read does not take the others with it. A limit that
/// holds for the whole stream ends it.
#[must_use]
pub fn documents(text: &str, limits: &Limits) -> Vec<Result<Node, Fault>> {
    if let Err(fault) = check_text(text, limits) {
        return vec![Err(fault)];
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut spent = Spent::default();
    let mut found = Vec::new();
    for part in split::parts(text) {
        let mut reader = Reader { limits, spent: &mut spent, first_line: part.line, anchors: HashMap::new() };
        let outcome = reader.part(part.text, &mut found);
        let over = spent.over;
        found.extend(outcome.err().map(Err));
        if over {
            break;
        }
    }
    found
}

/// Refuses what no parser should see.
fn check_text(text: &str, limits: &Limits) -> Result<(), Fault> {
    if text.len() > limits.bytes {
        let message = format!("the file is larger than {} bytes", limits.bytes);
        return Err(Fault { line: 1, column: 1, message });
    }
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{85}') || !c.is_control();
    let Some(at) = text.find(|c| !allowed(c)) else { return Ok(()) };
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let character = text[at..].chars().next().map_or(0, u32::from);
    Err(Fault {
        line: number(before.matches('\n').count() + 1),
        column: number(before[line_start..].chars().count() + 1),
        message: format!("the character U+{character:04X} may not stand in a YAML file"),
    })
}

/// What all documents of a stream have used of the limits.
#[derive(Debug, Default)]
struct Spent {
    nodes: usize,
    text_bytes: usize,
    documents: usize,
    /// A limit of the whole stream is used up.
    over: bool,
}

/// What an anchor names, and what one more copy of it costs.
struct Anchored {
    node: Node,
    nodes: usize,
    text_bytes: usize,
    depth: usize,
}

/// A value under construction.
struct Open {
    form: Form,
    anchor: usize,
    line: u32,
    column: u32,
}

enum Form {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<(Node, Node)>, seen: HashSet<String>, key: Option<Node>, merges: Vec<Node> },
}

struct Reader<'a> {
    limits: &'a Limits,
    spent: &'a mut Spent,
    first_line: u32,
    anchors: HashMap<usize, Anchored>,
}

impl Reader<'_> {
    /// Reads the documents of one part; usually one.
    fn part(&mut self, text: &str, found: &mut Vec<Result<Node, Fault>>) -> Result<(), Fault> {
        let mut parser = Parser::new_from_str(text);
        let mut open: Vec<Open> = Vec::new();
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let place = self.place(&span.start);
            let root = match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    self.begin_document(place)?;
                    continue;
                }
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => continue,
                event => self.value(event, place, &mut open)?,
            };
            found.extend(root.map(Ok));
        }
        Ok(())
    }

    fn begin_document(&mut self, place: (u32, u32)) -> Result<(), Fault> {
        // An anchor names a value of its own document only (YAML 1.2.2 section 3.2.2.2).
        self.anchors.clear();
        self.spent.documents += 1;
        if self.spent.documents > self.limits.documents {
            self.spent.over = true;
            return Err(fault(place, format!("the file holds more than {} documents", self.limits.documents)));
        }
        Ok(())
    }

    /// Takes one event of a value; gives the document's value once it is complete.
    fn value(&mut self, event: Event<'_>, place: (u32, u32), open: &mut Vec<Open>) -> Result<Option<Node>, Fault> {
        let (line, column) = place;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(1, text.len(), place)?;
                let scalar = scalar(&text, style, tag.as_deref()).map_err(|message| fault(place, message))?;
                (Node { value: Value::Scalar(scalar), line, column }, anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, place, open.len())?, 0),
            Event::SequenceStart(anchor, tag) => {
                self.begin(tag.as_deref(), "seq", place, open.len())?;
                open.push(Open { form: Form::Sequence(Vec::new()), anchor, line, column });
                return Ok(None);
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(tag.as_deref(), "map", place, open.len())?;
                let form = Form::Mapping { entries: Vec::new(), seen: HashSet::new(), key: None, merges: Vec::new() };
                open.push(Open { form, anchor, line, column });
                return Ok(None);
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(closed) => close(closed)?,
                None => return Err(fault(place, "something ends here that never began")),
            },
            _ => return Ok(None),
        };
        self.remember(anchor, &node)?;
        match open.last_mut() {
            None => Ok(Some(node)),
            Some(parent) => parent.form.take(node).map(|()| None),
        }
    }

    /// Checks tag and depth of a sequence or mapping that begins.
    fn begin(&mut self, tag: Option<&Tag>, form: &str, place: (u32, u32), depth: usize) -> Result<(), Fault> {
        if depth >= self.limits.depth {
            return Err(fault(place, format!("nested more than {} levels deep", self.limits.depth)));
        }
        match tag.map(full_name) {
            Some(name) if name != "!" && name != format!("{CORE}{form}") => {
                let what = if form == "seq" { "a list" } else { "a mapping" };
                Err(fault(place, format!("the tag {} is not known for {what}", shown(&name))))
            }
            _ => self.spend(1, 0, place),
        }
    }

    fn alias(&mut self, anchor: usize, place: (u32, u32), depth: usize) -> Result<Node, Fault> {
        let Some(named) = self.anchors.get(&anchor) else {
            return Err(fault(place, "the alias names a value that is not complete before it in its document"));
        };
        if depth + named.depth > self.limits.depth {
            return Err(fault(place, format!("nested more than {} levels deep by an alias", self.limits.depth)));
        }
        let (nodes, text_bytes) = (named.nodes, named.text_bytes);
        self.spend(nodes, text_bytes, place)?;
        // The faults of a copy are those of its original, so it keeps the original's places.
        self.anchors.get(&anchor).map(|named| named.node.clone()).ok_or_else(|| fault(place, "unknown alias"))
    }

    /// Keeps a copy under its anchor. The copy costs like any other: anchors inside anchors must not multiply either.
    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Fault> {
        if anchor > 0 {
            let (nodes, text_bytes, depth) = measure(node);
            self.spend(nodes, text_bytes, (node.line, node.column))?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, text_bytes, depth });
        }
        Ok(())
    }

    /// Counts values and text. A stream that has used up its share ends.
    fn spend(&mut self, nodes: usize, text_bytes: usize, place: (u32, u32)) -> Result<(), Fault> {
        self.spent.nodes = self.spent.nodes.saturating_add(nodes);
        self.spent.text_bytes = self.spent.text_bytes.saturating_add(text_bytes);
        let message = if self.spent.nodes > self.limits.nodes {
            format!("the file holds more than {} values once its aliases are followed", self.limits.nodes)
        } else if self.spent.text_bytes > self.limits.text_bytes {
            format!("the file holds more than {} bytes of text once its aliases are followed", self.limits.text_bytes)
        } else {
            return Ok(());
        };
        self.spent.over = true;
        Err(fault(place, message))
    }

    fn syntax(&self, error: &ScanError) -> Fault {
        fault(self.place(error.marker()), format!("not YAML: {}", error.info()))
    }

    fn place(&self, marker: &Marker) -> (u32, u32) {
        (self.first_line.saturating_add(number(marker.line().max(1))), number(marker.col() + 1))
    }
}

impl Form {
    /// Adds a complete value: an item, a key, or the value of the key before.
    fn take(&mut self, node: Node) -> Result<(), Fault> {
        let (entries, seen, key, merges) = match self {
            Self::Sequence(items) => {
                items.push(node);
                return Ok(());
            }
            Self::Mapping { entries, seen, key, merges } => (entries, seen, key, merges),
        };
        match key.take() {
            None => {
                let Value::Scalar(scalar) = &node.value else {
                    return Err(node.fault(format!("a key must be text, not {}", node.describe())));
                };
                if !seen.insert(scalar.text.clone()) {
                    return Err(node.fault(format!("the key {} stands twice", shown(&scalar.text))));
                }
                *key = Some(node);
            }
            Some(name) if is_merge(&name) => merges.push(node),
            Some(name) => entries.push((name, node)),
        }
        Ok(())
    }
}

/// The merge key of YAML 1.1 (`<<`), which readers of 1.2 take as well.
fn is_merge(key: &Node) -> bool {
    matches!(&key.value, Value::Scalar(scalar) if !scalar.quoted && scalar.text == "<<")
}

/// Adds the entries of one mapping, or of several in a list, that the mapping does not have: what stands in the mapping
/// itself wins, then the earlier of the list.
fn merge_into(entries: &mut Vec<(Node, Node)>, seen: &mut HashSet<String>, merge: Node) -> Result<(), Fault> {
    let sources = match merge.value {
        Value::Sequence(items) => items,
        _ => vec![merge],
    };
    for source in sources {
        let Node { value: Value::Mapping(more), .. } = source else {
            return Err(source.fault(format!("<< merges mappings, but this is {}", source.describe())));
        };
        for (key, value) in more {
            if key.text().is_some_and(|text| seen.insert(text.to_owned())) {
                entries.push((key, value));
            }
        }
    }
    Ok(())
}

/// The value that is complete, and its anchor.
fn close(closed: Open) -> Result<(Node, usize), Fault> {
    let Open { form, anchor, line, column } = closed;
    let value = match form {
        Form::Sequence(items) => Value::Sequence(items),
        Form::Mapping { mut entries, mut seen, merges, .. } => {
            for merge in merges {
                merge_into(&mut entries, &mut seen, merge)?;
            }
            Value::Mapping(entries)
        }
    };
    Ok((Node { value, line, column }, anchor))
}

/// Number of values, bytes of text and levels of nesting.
fn measure(node: &Node) -> (usize, usize, usize) {
    match &node.value {
        Value::Scalar(scalar) => (1, scalar.text.len(), 0),
        Value::Sequence(items) => items.iter().map(measure).fold((1, 0, 1), add),
        Value::Mapping(entries) => {
            entries.iter().flat_map(|(key, value)| [measure(key), measure(value)]).fold((1, 0, 1), add)
        }
    }
}

fn add(sum: (usize, usize, usize), part: (usize, usize, usize)) -> (usize, usize, usize) {
    (sum.0 + part.0, sum.1 + part.1, sum.2.max(part.2 + 1))
}

/// The scalar, its tag obeyed.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar, String> {
    if text.contains('\0') {
        return Err("the character U+0000 may not stand in a value".to_owned());
    }
    let mut scalar = Scalar { text: text.to_owned(), quoted: style != ScalarStyle::Plain };
    let Some(tag) = tag else { return Ok(scalar) };
    let name = full_name(tag);
    let Some(kind) = name.strip_prefix(CORE).or_else(|| (name == "!").then_some("str")) else {
        return Err(format!("the tag {} is not known; only those of the core schema are", shown(&name)));
    };
    scalar.quoted = kind == "str";
    let meaning = resolve::meaning(&scalar, Version::V1_2);
    let fits = match kind {
        "str" => true,
        "null" => meaning == Meaning::Null,
        "bool" => matches!(meaning, Meaning::Bool(_)),
        "int" => resolve::is_integer(text),
        "float" => resolve::is_number(text),
        _ => return Err(format!("the tag {} is not known; only those of the core schema are", shown(&name))),
    };
    if fits { Ok(scalar) } else { Err(format!("{} is not what its tag !!{kind} says", shown(text))) }
}

fn full_name(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

fn fault((line, column): (u32, u32), message: impl Into<String>) -> Fault {
    Fault { line, column, message: message.into() }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
