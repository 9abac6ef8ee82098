//! Where text goes: data to stdout, talk to stderr, each with colour only where it is wanted.
//!
//! Neighbours: commands hold an [`Output`], `show` makes the text. Everything is written with its styles and the streams
//! strip them where they are not wanted. Not here: what is said.

pub(crate) mod paint;
pub(crate) mod table;

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

/// The two streams and what is known about them.
pub(crate) struct Output {
    data: Box<dyn Write + Send>,
    talk: Box<dyn Write + Send>,
    /// The screen behind stdout, if there is one.
    pub data_screen: Screen,
    /// The screen behind stderr, if there is one.
    pub talk_screen: Screen,
    /// Whether somebody can be asked.
    pub asking: Asking,
    /// Whether stderr can be drawn over.
    pub redraw: Redraw,
}

/// Whether what was written can be drawn over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redraw {
    /// A terminal that understands escapes.
    Possible,
    /// A file, a pipe, or a terminal that is to get plain text.
    Impossible,
}

/// What is behind a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    /// A file, a pipe, a log: lines are not wrapped and nothing is drawn over.
    None,
    /// A terminal.
    Terminal,
}

/// Whether a question can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// A person sits at the terminal.
    Possible,
    /// Nobody is there.
    Impossible,
}

/// Whether anybody still reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// As far as one can tell.
    There,
    /// The other end of the pipe is closed.
    Gone,
}

/// Columns and lines of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Columns.
    pub columns: u16,
    /// Lines.
    pub lines: u16,
}

impl Screen {
    /// How large it is now; a terminal that does not say is taken for a classic one.
    pub(crate) fn size(self) -> Option<Size> {
        match self {
            Self::None => None,
            Self::Terminal => {
                let found = terminal_size::terminal_size_of(io::stderr())
                    .or_else(|| terminal_size::terminal_size_of(io::stdout()));
                let (columns, lines) = found.map_or((80, 24), |(width, height)| (width.0, height.0));
                Some(Size { columns: columns.max(40), lines: lines.max(8) })
            }
        }
    }

    /// The width to lay out for, if there is one.
    pub(crate) fn columns(self) -> Option<u16> {
        self.size().map(|size| size.columns)
    }
}

impl Output {
    /// The streams of this process.
    pub(crate) fn of_process(color: ColorChoice) -> Self {
        let screen = |is_terminal| if is_terminal { Screen::Terminal } else { Screen::None };
        let (data_screen, talk_screen) = (screen(io::stdout().is_terminal()), screen(io::stderr().is_terminal()));
        let asked = io::stdin().is_terminal() && talk_screen == Screen::Terminal;
        let talk = AutoStream::new(io::stderr(), color);
        let drawable = talk_screen == Screen::Terminal && talk.current_choice() != ColorChoice::Never;
        Self {
            data: Box::new(AutoStream::new(io::stdout(), color)),
            talk: Box::new(talk),
            data_screen,
            talk_screen,
            asking: if asked { Asking::Possible } else { Asking::Impossible },
            redraw: if drawable { Redraw::Possible } else { Redraw::Impossible },
        }
    }

    /// Writes data. A reader that has gone away (`axon … | head`) is not a failure.
    pub(crate) fn data(&mut self, text: &str) -> io::Result<()> {
        write_all(&mut self.data, text)
    }

    /// Writes data, for whoever goes on only as long as somebody reads.
    pub(crate) fn told(&mut self, text: &str) -> io::Result<Audience> {
        match self.data.write_all(text.as_bytes()).and_then(|()| self.data.flush()) {
            Ok(()) => Ok(Audience::There),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Audience::Gone),
            Err(error) => Err(error),
        }
    }

    /// Writes talk.
    pub(crate) fn talk(&mut self, text: &str) -> io::Result<()> {
        write_all(&mut self.talk, text)
    }
}

#[cfg(test)]
impl Output {
    /// Streams that are kept, and no terminal.
    pub(crate) fn kept(data: impl Write + Send + 'static, talk: impl Write + Send + 'static) -> Self {
        Self {
            data: Box::new(data),
            talk: Box::new(talk),
            data_screen: Screen::None,
            talk_screen: Screen::None,
            asking: Asking::Impossible,
            redraw: Redraw::Impossible,
        }
    }
}

fn write_all(stream: &mut dyn Write, text: &str) -> io::Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
