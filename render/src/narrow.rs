//! What a call was given and gave back, in as few columns as its line has left. Short values tell most for their columns, so they
//! stay; long ones share what is left, down to `…`.

use std::borrow::Cow;

use crate::{
    text::{columns, escaped, head},
    value::{Value, fit::fit},
    values::{SEPARATOR, Values, labelled},
};

/// Columns of a short value, label included. An error, which says what went wrong, may have twice as many.
const SHORT: usize = 30;
/// Columns of a short string that has been cut and still tells something.
const SHORTEST: usize = 16;
/// Stands for what is left out.
const LEFT_OUT: &str = "…";

/// Values and their text where there is room.
pub(crate) struct ValuesText<'a> {
    values: Values<'a>,
    text: String,
}

impl<'a> ValuesText<'a> {
    pub(crate) fn new(values: Values<'a>) -> Self {
        let text = values.text();
        Self { values, text }
    }
}

/// Their text where there is room.
pub(crate) fn full<'a>(values: Option<&'a ValuesText<'_>>) -> &'a str {
    values.map_or("", |values| &values.text)
}

/// The columns of that.
pub(crate) fn full_width(values: Option<&ValuesText<'_>>) -> usize {
    columns(full(values))
}

/// The texts of arguments and results in this many columns together. Only where nothing else helps they end in the middle.
pub(crate) fn fitting<'a>(both: [Option<&'a ValuesText<'_>>; 2], room: usize) -> [Cow<'a, str>; 2] {
    if both.into_iter().map(full_width).sum::<usize>() <= room {
        return both.map(|values| Cow::Borrowed(full(values)));
    }
    let lists = both.map(|values| values.map_or_else(List::default, List::new));
    fitted(&lists, room).map(Cow::Owned)
}

/// Arguments or results.
#[derive(Default)]
struct List<'a> {
    before: &'static str,
    after: &'static str,
    items: Vec<Item<'a>>,
}

struct Item<'a> {
    label: &'a str,
    value: Cow<'a, Value>,
    text: String,
    width: usize,
    is_long: bool,
}

impl<'a> List<'a> {
    fn new(text: &'a ValuesText<'_>) -> Self {
        let (before, after) = text.values.around();
        let items = text.values.items();
        Self {
            before,
            after,
            items: items
                .map(|(label, value)| Item::new(label, value))
                .collect(),
        }
    }

    /// With these texts; those in a row that have none are one `…`.
    fn written(&self, texts: impl IntoIterator<Item = Option<String>>) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut after_none = false;
        for text in texts {
            let is_none = text.is_none();
            if !(is_none && after_none) {
                parts.push(text.unwrap_or_else(|| LEFT_OUT.to_owned()));
            }
            after_none = is_none;
        }
        format!("{}{}{}", self.before, parts.join(SEPARATOR), self.after)
    }
}

impl<'a> Item<'a> {
    fn new(label: &'a str, value: Cow<'a, Value>) -> Self {
        let text = escaped(labelled(label, &value));
        let width = columns(&text);
        let short = match *value {
            Value::Error { .. } => 2 * SHORT,
            _ => SHORT,
        };
        let is_long = width > short || is_composed(&value);
        Self {
            is_long,
            label,
            value,
            text,
            width,
        }
    }

    /// Its columns where a long value is left out, and a string is cut as far as to `shortest`.
    fn least(&self, shortest: usize) -> usize {
        let least = columns(&left_out(self.label));
        let least = match () {
            () if self.is_long => least,
            () if is_text(&self.value) => least.max(shortest),
            () => self.width,
        };
        least.min(self.width)
    }

    fn within(&self, room: usize) -> String {
        if self.width <= room {
            return self.text.clone();
        }
        let around = columns(&left_out(self.label)) - columns(LEFT_OUT);
        let value = fit(&self.value, room.saturating_sub(around));
        let text = escaped(labelled(self.label, &value));
        if columns(&text) <= room {
            text
        } else {
            left_out(self.label)
        }
    }
}

/// `s=…`
fn left_out(label: &str) -> String {
    escaped(labelled(label, &Value::Constant(LEFT_OUT.to_owned())))
}

/// It may be long for all that is in it.
fn is_composed(value: &Value) -> bool {
    match value {
        Value::Struct { .. } | Value::List { .. } | Value::Map { .. } => true,
        Value::Pointer {
            target: Some(target),
            ..
        } => is_composed(target),
        Value::Interface { value, .. } => is_composed(value),
        _ => false,
    }
}

fn fitted(lists: &[List<'_>; 2], room: usize) -> [String; 2] {
    narrowed(lists, room, SHORTEST, |_| true)
        .or_else(|| narrowed(lists, room, SHORTEST, |item| !item.is_long))
        .or_else(|| narrowed(lists, room, 0, |item| !item.is_long))
        .unwrap_or_else(|| ends_cut(lists, room))
}

/// A part of it tells something.
fn is_text(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bytes(_) | Value::Error { .. } => true,
        Value::Interface { value, .. } => is_text(value),
        _ => false,
    }
}

/// Both lists with parts of these items, and `…` for the others; `None` where they do not fit, or short ones would have to be cut for
/// the sake of long ones.
fn narrowed(
    lists: &[List<'_>; 2],
    room: usize,
    shortest: usize,
    is_shown: impl Fn(&Item<'_>) -> bool,
) -> Option<[String; 2]> {
    let around = |list: &List<'_>| {
        let nothing = list
            .items
            .iter()
            .map(|item| is_shown(item).then(String::new));
        columns(&list.written(nothing))
    };
    let around: usize = lists.iter().map(around).sum();
    let items = lists.iter().flat_map(|list| &list.items);
    let items: Vec<&Item<'_>> = items.filter(|item| is_shown(item)).collect();
    let parts = parts(&items, room.checked_sub(around)?, shortest)?;
    let is_cut = |(item, part): (&&Item<'_>, &String)| !item.is_long && item.text != *part;
    if items.iter().any(|item| item.is_long) && items.iter().zip(&parts).any(is_cut) {
        return None;
    }
    let mut parts = parts.into_iter();
    Some(lists.each_ref().map(|list| {
        let items = list.items.iter();
        list.written(items.map(|item| if is_shown(item) { parts.next() } else { None }))
    }))
}

/// What there is room for of each: of short ones all, as long as the others have their least, and of long ones what equal parts of what
/// is left hold. `None` where there are too few columns.
fn parts(items: &[&Item<'_>], mut room: usize, shortest: usize) -> Option<Vec<String>> {
    let mut least: usize = items.iter().map(|item| item.least(shortest)).sum();
    if least > room {
        return None;
    }
    let mut order: Vec<(usize, &Item<'_>)> = items.iter().copied().enumerate().collect();
    order.sort_by_key(|(_, item)| (item.is_long, item.width));
    let mut parts = vec![String::new(); items.len()];
    for (done, (index, item)) in order.into_iter().enumerate() {
        let item_least = item.least(shortest);
        least -= item_least;
        let most = room - least;
        let fair = if item.is_long {
            (room / (items.len() - done)).clamp(item_least, most)
        } else {
            most
        };
        let text = item.within(fair);
        room = room.saturating_sub(columns(&text));
        if let Some(part) = parts.get_mut(index) {
            *part = text;
        }
    }
    Some(parts)
}

/// The least of the first short ones, as far as they go.
fn ends_cut(lists: &[List<'_>; 2], room: usize) -> [String; 2] {
    let [arguments, results] = lists.each_ref().map(|list| {
        let texts = list.items.iter();
        list.written(texts.map(|item| (!item.is_long).then(|| item.within(item.least(SHORTEST)))))
    });
    let results_room = (room / 2).max(room.saturating_sub(columns(&arguments)));
    let results = head(&results, results_room).into_owned();
    let arguments = head(&arguments, room.saturating_sub(columns(&results)));
    [arguments.into_owned(), results]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Text;

    fn string(text: &str) -> Value {
        let bytes = text.as_bytes().to_vec();
        Value::String(Text { bytes, more: 0 })
    }

    fn receiver() -> Value {
        let fields = [("mu", Value::Int(1)), ("name", string("a store of orders"))];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Value::Pointer {
            address: 1,
            target: Some(Box::new(Value::Struct {
                fields: fields.to_vec(),
                more: 2,
            })),
        }
    }

    fn list(
        around: (&'static str, &'static str),
        items: Vec<(&'static str, Value)>,
    ) -> List<'static> {
        let items = items.into_iter();
        List {
            before: around.0,
            after: around.1,
            items: items
                .map(|(label, value)| Item::new(label, Cow::Owned(value)))
                .collect(),
        }
    }

    fn handle() -> [List<'static>; 2] {
        [
            list(
                ("", ""),
                vec![
                    ("s", receiver()),
                    ("w", receiver()),
                    ("method", string("GET")),
                    ("path", string("/api/orders")),
                ],
            ),
            list(
                (" = (", ")"),
                vec![("status", Value::Int(201)), ("err", Value::Nil)],
            ),
        ]
    }

    #[test]
    fn long_ones_are_left_out_before_short_ones_are_cut() {
        let text = |room| {
            let [arguments, results] = fitted(&handle(), room);
            format!("({arguments}){results}")
        };
        insta::assert_snapshot!([130, 110, 80, 70, 60, 55, 50, 40, 20].map(text).join("\n"), @r#"
        (s=&{mu:1 name:"a store of …"+6 …+2}, w=&{mu:1 name:"a store of …"+6 …+2}, method="GET", path="/api/orders") = (status=201, err=nil)
        (s=&{mu:1 …+3}, w=&{mu:1 name:"a store of or…"+4 …+2}, method="GET", path="/api/orders") = (status=201, err=nil)
        (s=&{…+4}, w=&{…+4}, method="GET", path="/api/orders") = (status=201, err=nil)
        (s=…, w=…, method="GET", path="/api/orders") = (status=201, err=nil)
        (…, method="GET", path="/api/orders") = (status=201, err=nil)
        (…, method="GET", path="/api…"+7) = (status=201, err=nil)
        (…, method="GET", path=…) = (status=201, err=nil)
        (…, method="GET", pa…) = (status=201, err…
        (…, method…) = (statu…
        "#);
    }

    #[test]
    fn what_went_wrong_stays() {
        let words = Text {
            bytes: b"miss zzz: not found".to_vec(),
            more: 0,
        };
        let error = Value::Error {
            ty: "*fmt.wrapError".to_owned(),
            words,
        };
        let lists = [
            list(("", ""), vec![("s", receiver())]),
            list((" = (", ")"), vec![("o", receiver()), ("err", error)]),
        ];
        assert_eq!(
            fitted(&lists, 60).concat(),
            "s=… = (o=&{…+4}, err=*fmt.wrapError{\"miss zzz: not found\"})"
        );
    }

    #[test]
    fn no_text_is_wider_than_its_room() {
        for room in 0..140 {
            let width: usize = fitted(&handle(), room)
                .iter()
                .map(|text| columns(text))
                .sum();
            assert!(width <= room, "{room}: {width}");
        }
    }

    #[test]
    fn long_ones_share_what_short_ones_leave() {
        let [arguments, _] = handle();
        let items: Vec<&Item<'_>> = arguments.items.iter().collect();
        let written = |room| parts(&items, room, SHORTEST).map(|parts| parts.join(" "));
        insta::assert_snapshot!([100, 60, 36, 35].map(|room| written(room).unwrap_or_default()).join("\n"), @r#"
        s=&{mu:1 name:"a store of …"+6 …+2} w=&{mu:1 name:"a store of …"+6 …+2} method="GET" path="/api/orders"
        s=&{mu:1 …+3} w=&{mu:1 …+3} method="GET" path="/api/orders"
        s=… w=… method="GET" path="/api/orders"
        s=… w=… method="GET" path="/api/or…"+4
        "#);
        assert_eq!(written(33), None);
    }
}
