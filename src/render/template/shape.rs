//! Which names does a view have? Its fields with what they mean, kept beside the type itself.

/// What a value of a view is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Bool,
    /// Something, or nothing (`none`, which counts as false).
    Maybe(fn() -> Self),
    /// A list.
    List(fn() -> Self),
    /// A view of its own.
    Object(fn() -> ObjectShape),
}

/// The fields of a view.
#[derive(Debug, Clone)]
pub struct ObjectShape {
    /// The view's name.
    pub name: &'static str,
    /// What it shows.
    pub doc: String,
    /// Its fields.
    pub fields: Vec<FieldShape>,
}

/// A field of a view.
#[derive(Debug, Clone)]
pub struct FieldShape {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub doc: String,
    /// What its value is.
    pub kind: Kind,
}

/// A type whose names are known.
pub trait Shape {
    /// What a value of the type is.
    fn kind() -> Kind;
}

impl Shape for String {
    fn kind() -> Kind {
        Kind::Text
    }
}

impl Shape for bool {
    fn kind() -> Kind {
        Kind::Bool
    }
}

/// Numbers of any size.
macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Shape for $number {
            fn kind() -> Kind {
                Kind::Number
            }
        })*
    };
}

numbers!(usize, u64, u32, u16, f64);

impl<T: Shape> Shape for Option<T> {
    fn kind() -> Kind {
        Kind::Maybe(T::kind)
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn kind() -> Kind {
        Kind::List(T::kind)
    }
}

impl Kind {
    /// As the documents say it: `list of Step`.
    #[must_use]
    pub fn phrase(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Maybe(inner) => format!("{} or none", inner().phrase()),
            Self::List(inner) => format!("list of {}", inner().phrase()),
            Self::Object(shape) => shape().name.to_owned(),
        }
    }
}

/// The object behind a kind, if there is one: through options and lists.
#[must_use]
pub fn object_of(kind: Kind) -> Option<ObjectShape> {
    match kind {
        Kind::Object(shape) => Some(shape()),
        Kind::Maybe(inner) | Kind::List(inner) => object_of(inner()),
        Kind::Text | Kind::Number | Kind::Bool => None,
    }
}

/// Defines a view: a struct that templates are filled with, whose fields and their documentation are
/// known to the check of names and to docs/templates.md.
macro_rules! view {
    (
        $(#[doc = $doc:literal])+
        $vis:vis struct $name:ident {
            $($(#[doc = $field_doc:literal])+ $field_vis:vis $field:ident: $type:ty,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        $vis struct $name {
            $($(#[doc = $field_doc])+ $field_vis $field: $type,)+
        }

        impl $crate::render::template::Shape for $name {
            fn kind() -> $crate::render::template::Kind {
                $crate::render::template::Kind::Object(|| $crate::render::template::ObjectShape {
                    name: stringify!($name),
                    doc: concat!($($doc),+).trim().to_owned(),
                    fields: vec![$($crate::render::template::FieldShape {
                        name: stringify!($field),
                        doc: concat!($($field_doc),+).trim().to_owned(),
                        kind: <$type as $crate::render::template::Shape>::kind(),
                    }),+],
                })
            }
        }
    };
}

pub(crate) use view;
