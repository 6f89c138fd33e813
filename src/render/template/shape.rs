//! Which names does a view have? Its fields with what they mean, kept beside the type itself.

/// What a value of a view is.
#[derive(Debug, Clone, Copy)]
pub enum ViewKind {
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
    pub kind: ViewKind,
}

/// A type whose names are known.
pub trait ViewShape {
    /// What a value of the type is.
    fn kind() -> ViewKind;
}

impl ViewShape for String {
    fn kind() -> ViewKind {
        ViewKind::Text
    }
}

impl ViewShape for bool {
    fn kind() -> ViewKind {
        ViewKind::Bool
    }
}

/// Numbers of any size.
macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl ViewShape for $number {
            fn kind() -> ViewKind {
                ViewKind::Number
            }
        })*
    };
}

numbers!(usize, u64, u32, u16, f64);

impl<T: ViewShape> ViewShape for Option<T> {
    fn kind() -> ViewKind {
        ViewKind::Maybe(T::kind)
    }
}

impl<T: ViewShape> ViewShape for Vec<T> {
    fn kind() -> ViewKind {
        ViewKind::List(T::kind)
    }
}

impl ViewKind {
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
pub fn object_of(kind: ViewKind) -> Option<ObjectShape> {
    match kind {
        ViewKind::Object(shape) => Some(shape()),
        ViewKind::Maybe(inner) | ViewKind::List(inner) => object_of(inner()),
        ViewKind::Text | ViewKind::Number | ViewKind::Bool => None,
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

        impl $crate::render::template::ViewShape for $name {
            fn kind() -> $crate::render::template::ViewKind {
                $crate::render::template::ViewKind::Object(|| $crate::render::template::ObjectShape {
                    name: stringify!($name),
                    doc: concat!($($doc),+).trim().to_owned(),
                    fields: vec![$($crate::render::template::FieldShape {
                        name: stringify!($field),
                        doc: concat!($($field_doc),+).trim().to_owned(),
                        kind: <$type as $crate::render::template::ViewShape>::kind(),
                    }),+],
                })
            }
        }
    };
}

pub(crate) use view;
