//! How do we show it? Views in, text out.
