//! Which account of the operating system speaks? This process's own, or that of a neighbour on loopback.
//!
//! Asked of the kernel, not of the environment: `USER` says what anybody wrote there.

use std::net::{IpAddr, SocketAddr};

use super::settings::Environment;
use crate::model::Account;
#[cfg(unix)]
use crate::model::Login;

/// The account that this process runs as.
#[must_use]
#[cfg(unix)]
pub fn own(environment: &Environment) -> Account {
    let uid = uzers::get_current_uid();
    let login = std::fs::read_to_string("/proc/self/loginuid").ok();
    let login = login.and_then(|text| logged_in(&text, uid));
    Account {
        name: name_of(uid),
        uid: Some(uid),
        host: host(environment),
        login: login.map(|uid| Login { uid, name: name_of(uid) }),
        sudo_user: environment.sudo_user.clone(),
        said: false,
        invited: false,
    }
}

/// The account that this process runs as, as its environment has it: nobody vouches for that.
#[must_use]
#[cfg(not(unix))]
pub fn own(environment: &Environment) -> Account {
    Account {
        name: environment.user.clone().unwrap_or_else(|| "unknown account".to_owned()),
        uid: None,
        host: environment.host.clone().unwrap_or_else(|| "this host".to_owned()),
        login: None,
        sudo_user: None,
        said: true,
        invited: false,
    }
}

/// Who logged in, by the kernel's audit, if that is another than the account. Root may become anybody, and
/// is then whom it became.
#[cfg(unix)]
fn logged_in(text: &str, uid: u32) -> Option<u32> {
    let login: u32 = text.trim().parse().ok()?;
    (login != u32::MAX && login != 0 && login != uid).then_some(login)
}

#[cfg(unix)]
fn name_of(uid: u32) -> String {
    let user = uzers::get_user_by_uid(uid);
    let name = user.map(|user| user.name().to_string_lossy().into_owned());
    name.unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(not(unix))]
fn name_of(uid: u32) -> String {
    format!("uid {uid}")
}

#[cfg(unix)]
fn host(environment: &Environment) -> String {
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let configured = || std::fs::read_to_string("/etc/hostname").ok();
    let name = kernel().or_else(configured).or_else(|| environment.host.clone());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "this host".to_owned())
}

/// The account that another process on this host speaks from. The kernel names its number where it can;
/// what the process says of itself beyond that is kept when the number is as it said, and marked as its own
/// word where nobody else knows.
#[must_use]
pub fn of_neighbour(
    (its, ours): (SocketAddr, SocketAddr),
    said: Option<Account>,
    own: &Account,
) -> Account {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    vouched(owner(&table, its, ours), said, own)
}

/// Whether a connection on loopback is of this process's account, by the kernel's word; none where the system does
/// not say whose connections are.
#[must_use]
pub fn is_own(its: SocketAddr, ours: SocketAddr) -> Option<bool> {
    let place = match its {
        SocketAddr::V4(_) => "/proc/net/tcp",
        SocketAddr::V6(_) => "/proc/net/tcp6",
    };
    let table = std::fs::read_to_string(place).ok()?;
    let own = own(&Environment::default()).uid;
    // One that is in no table is of nobody we know.
    Some(own.is_some() && owner(&table, its, ours) == own)
}

fn vouched(uid: Option<u32>, said: Option<Account>, own: &Account) -> Account {
    match (uid, said) {
        (Some(uid), Some(said)) if said.uid == Some(uid) => {
            Account { name: name_of(uid), host: own.host.clone(), said: false, ..said }
        }
        (Some(uid), _) => Account {
            name: name_of(uid),
            uid: Some(uid),
            host: own.host.clone(),
            login: None,
            sudo_user: None,
            said: false,
            invited: false,
        },
        (None, Some(said)) => Account { said: true, ..said },
        // The token is for the account that drives the run.
        (None, None) => Account { said: true, login: None, sudo_user: None, ..own.clone() },
    }
}

/// The number of the account that owns a connection, by the kernel's table of them.
fn owner(table: &str, its: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let (its, ours) = (in_table(its), in_table(ours));
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let here = *fields.get(1)? == its && *fields.get(2)? == ours;
        fields.get(7).filter(|_| here)?.parse().ok()
    })
}

/// An address as the kernel's table writes it: the host's order of bytes.
fn in_table(address: SocketAddr) -> String {
    let words = |bytes: &[u8]| -> String {
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect()
    };
    let ip = match address.ip() {
        IpAddr::V4(ip) => words(&ip.octets()),
        IpAddr::V6(ip) => words(&ip.octets()),
    };
    format!("{ip}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_account() -> Account {
        own(&Environment::default())
    }

    #[test]
    fn the_account_is_the_systems_and_not_what_the_environment_says() {
        let environment =
            Environment { user: Some("the-boss".to_owned()), ..Environment::default() };
        if cfg!(unix) {
            let account = own(&environment);
            assert_ne!(account.name, "the-boss");
            assert!(account.uid.is_some() && !account.said && !account.host.is_empty());
        }
    }

    #[cfg(unix)]
    #[test]
    fn who_logged_in_is_known_where_the_kernel_keeps_it() {
        assert_eq!(logged_in("1000\n", 0), Some(1000));
        assert_eq!(logged_in("1000", 1000), None, "it is the account itself");
        assert_eq!(logged_in("4294967295", 0), None, "nobody logged in");
        assert_eq!(logged_in("0", 1001), None, "root became somebody");
        assert_eq!(logged_in("", 0), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_says_whose_a_connection_on_loopback_is() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(ours).unwrap();
        let its = client.local_addr().unwrap();
        let claimed = Account { uid: Some(4_242_424), name: "boss".to_owned(), ..own_account() };
        let found = of_neighbour((its, ours), Some(claimed), &own_account());
        assert_eq!((found.uid, found.said), (own_account().uid, false));
        assert_ne!(found.name, "boss");
    }

    #[test]
    fn what_a_neighbour_says_of_itself_is_marked_where_nobody_vouches() {
        let own = own_account();
        let said = Account { name: "ann".to_owned(), uid: Some(7), ..own.clone() };
        let found = vouched(None, Some(said.clone()), &own);
        assert!(found.said && found.name == "ann");
        assert!(vouched(None, None, &own).said);
        let other = vouched(Some(4_242_424), Some(said), &own);
        assert_eq!((other.uid, other.name.as_str()), (Some(4_242_424), "uid 4242424"));
    }
}
