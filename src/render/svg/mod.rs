//! How is a picture drawn? Shapes and texts as SVG, with a name for those who cannot see it.
//!
//! The colours are classes: in a page its own style has them, in a file of its own the picture brings
//! them along. A picture needs no script, no font and nothing from elsewhere.

use std::fmt::Write as _;

use super::template::escape_html;

/// The style of a picture that stands alone; the same classes as in `templates/style.css`.
const STYLE: &str = include_str!("../../../templates/picture.css");

/// How wide a letter is, in parts of the type's size: what system fonts need on average, and a little more.
const LETTER: f64 = 0.56;

/// A picture under way.
#[derive(Debug, Clone)]
pub struct Svg {
    id: String,
    title: String,
    description: String,
    size: (f64, f64),
    /// Where it begins on the left: what lies before that is not shown.
    left: f64,
    body: String,
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextAnchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A rectangle: left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// The middle.
    #[must_use]
    pub fn middle(self) -> (f64, f64) {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }
}

/// A number with at most one place, and never `-0`.
fn n(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    let text = format!("{rounded}");
    if text == "-0" { "0".to_owned() } else { text }
}

impl Svg {
    /// A picture of a size. `id` is unique on its page; `title` names it and `description` says in a
    /// sentence what it shows.
    #[must_use]
    pub fn new(id: &str, title: &str, description: &str, size: (f64, f64)) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            size,
            left: 0.0,
            body: String::new(),
        }
    }

    /// The same without its left side, where nothing is.
    #[must_use]
    pub fn without_left(mut self, left: f64) -> Self {
        self.left = left.min(self.size.0);
        self
    }

    /// A rectangle with round corners.
    pub fn rect(&mut self, class: &str, rect: Rect, radius: f64) {
        let Rect { x, y, w, h } = rect;
        let (x, y, w, h, r) = (n(x), n(y), n(w), n(h), n(radius));
        let class = escape_html(class);
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}"/>"#
        );
    }

    /// A line through points.
    pub fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let path: Vec<String> =
            points.iter().map(|(x, y)| format!("{} {}", n(*x), n(*y))).collect();
        let class = escape_html(class);
        let _ = write!(self.body, r#"<path class="{class}" d="M{}"/>"#, path.join("L"));
    }

    /// A path in SVG's own words, made of numbers only.
    pub fn path(&mut self, class: &str, commands: &[(char, &[f64])]) {
        let mut d = String::new();
        for (command, numbers) in commands {
            let numbers: Vec<String> = numbers.iter().map(|value| n(*value)).collect();
            let _ = write!(d, "{command}{}", numbers.join(" "));
        }
        let class = escape_html(class);
        let _ = write!(self.body, r#"<path class="{class}" d="{d}"/>"#);
    }

    /// A circle.
    pub fn circle(&mut self, class: &str, middle: (f64, f64), radius: f64) {
        let (x, y, r) = (n(middle.0), n(middle.1), n(radius));
        let class = escape_html(class);
        let _ = write!(self.body, r#"<circle class="{class}" cx="{x}" cy="{y}" r="{r}"/>"#);
    }

    /// A text on one line, cut to `room` where it is longer; the whole text is shown to a pointer.
    pub fn text(&mut self, class: &str, at: (f64, f64), anchor: TextAnchor, text: &str, room: f64) {
        let size = type_size(class);
        let letters = (room / (size * LETTER)).max(1.0) as usize;
        let shown = cut(text, letters);
        let anchor = match anchor {
            TextAnchor::Start => "start",
            TextAnchor::Middle => "middle",
            TextAnchor::End => "end",
        };
        let (x, y) = (n(at.0), n(at.1));
        let (class, visible) = (escape_html(class), escape_html(&shown));
        let whole = if shown == text {
            String::new()
        } else {
            format!("<title>{}</title>", escape_html(text))
        };
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{whole}{visible}</text>"#
        );
    }

    fn wrapped(&self, style: &str, inside_a_page: bool) -> String {
        let (left, w, h) = (n(self.left), n(self.size.0 - self.left), n(self.size.1));
        let id = escape_html(&self.id);
        let (title, description) = (escape_html(&self.title), escape_html(&self.description));
        // What stands alone needs its size; what stands in a page takes the page's width.
        let space = if inside_a_page {
            String::new()
        } else {
            format!(r#" xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}""#)
        };
        format!(
            r#"<svg{space} class="picture" viewBox="{left} 0 {w} {h}" role="img" aria-labelledby="{id}-t {id}-d" style="max-width:{w}px"><title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc>{style}{}</svg>"#,
            self.body
        )
    }

    /// The picture inside a page.
    #[must_use]
    pub fn inline(&self) -> String {
        self.wrapped("", true)
    }

    /// The picture as a file of its own.
    #[must_use]
    pub fn file(&self) -> String {
        let mut text = self.wrapped(&format!("<style>{STYLE}</style>"), false);
        text.push('\n');
        text
    }
}

/// The size of the type of a class, in pixels; as the style has it.
fn type_size(class: &str) -> f64 {
    match class.split(' ').next().unwrap_or_default() {
        "p-title" => 13.0,
        "p-small" => 10.5,
        _ => 12.0,
    }
}

/// How wide a text of a class is, nearly.
#[must_use]
pub fn width(class: &str, text: &str) -> f64 {
    text.chars().count() as f64 * type_size(class) * LETTER
}

fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(letters.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_says_its_name_and_shows_what_a_text_holds() {
        let mut svg = Svg::new("p1", "A <b>", "What & why", (100.0, 20.0));
        svg.text("p-text", (0.0, 10.0), TextAnchor::Start, "<script>", 200.0);
        svg.text("p-text", (0.0, 10.0), TextAnchor::Start, "a name that is long", 50.0);
        let inline = svg.inline();
        assert!(inline.contains("<title id=\"p1-t\">A &lt;b&gt;</title>"), "{inline}");
        assert!(inline.contains("&lt;script&gt;") && !inline.contains("<script>"), "{inline}");
        assert!(inline.contains("<title>a name that is long</title>a name…"), "{inline}");
        assert!(svg.file().contains("xmlns=") && svg.file().contains("<style>"));
    }
}
