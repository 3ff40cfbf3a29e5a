//! Files that look like what is wanted and are something else, told by what they say of themselves.

use object::elf::{self, FileHeader64};
use object::{LittleEndian as Le, read::elf::FileHeader};

use crate::Error;
use crate::image::Image;
use crate::image::buildinfo::BuildInfo;

/// The linker's section for what gccgo exports of a package; stripping leaves it there.
const GCCGO: &str = ".go_export";

/// Of an ELF header: a core file, an object file, or an executable of another operating system.
pub(crate) fn by_header(header: &FileHeader64<Le>) -> Option<Error> {
    let system = match header.e_ident().os_abi {
        elf::ELFOSABI_NETBSD => "netbsd",
        elf::ELFOSABI_SOLARIS => "solaris",
        elf::ELFOSABI_FREEBSD => "freebsd",
        elf::ELFOSABI_OPENBSD => "openbsd",
        _ => match header.e_type(Le) {
            elf::ET_CORE => return Some(Error::Core),
            elf::ET_REL => return Some(Error::Object),
            _ => return None,
        },
    };
    Some(Error::OtherSystem {
        system: system.to_owned(),
    })
}

/// Of a file without a table of Go functions: which other compiler of Go made it, if one did.
pub(crate) fn by_compiler(image: &Image) -> Error {
    match image.section(GCCGO) {
        Some(_) => Error::Gccgo,
        None => Error::NotGo,
    }
}

/// Of a Go executable: built for another operating system that says so nowhere else (dragonfly, illumos, solaris). Android is Linux.
pub(crate) fn by_build(info: &BuildInfo) -> Option<Error> {
    let (_, system) = info.settings.iter().find(|(key, _)| key == "GOOS")?;
    let other = !matches!(system.as_str(), "linux" | "android");
    other.then(|| Error::OtherSystem {
        system: system.clone(),
    })
}
