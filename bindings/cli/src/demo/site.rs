//! The LRS of the demo, and the trouble with it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use pannier::lrs::{Credentials, Endpoint};
use pannier::statement::model::{Agent, XapiActivity};
use pannier::statement::vocabulary::verbs;
use pannier::transport::{HttpOptions, HttpTransport};
use pannier::{Config, Statement};
use uuid::Uuid;

use super::ask::Lrs;
use super::device::{Device, Note};
use super::error::Error;
use super::network::{Deed as NetworkDeed, Network};
use pannier_hub::mischief::{Deed, Mischief, Whom};
use pannier_hub::{Hub, Options, Running};

/// The hub's answer to the statement that it will not take.
const REFUSAL: &str = "this LRS takes no statements about this piece of equipment";

/// An LRS, and the credentials for it.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its base URL.
    pub endpoint: String,
    /// Credentials for it.
    pub credentials: Option<Credentials>,
    /// Tells whether the credentials may travel where they can be read.
    pub allow_cleartext: bool,
}

/// LRS that the devices deliver to.
pub struct Site {
    named: Named,
    kind: Kind,
}

enum Kind {
    /// Our own hub, on a port that is closed until it comes up.
    Hub {
        options: Box<Options>,
        mischief: Mischief,
        running: Option<Running>,
    },
    /// Somebody's LRS, which is well. The trouble is made on the way to it: a network for each device.
    Real { networks: Vec<Arc<Network>> },
}

impl Site {
    /// Returns a hub that is not up yet.
    pub fn hub() -> Result<Self, Error> {
        // The port is taken and released: until the hub listens there, a connection is refused.
        let addr = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .and_then(|listener| listener.local_addr())
            .map_err(Error::system("cannot find a free port"))?;
        let (user, password) = ("demo", Uuid::new_v4().simple().to_string());
        let options = Options {
            addr,
            ..Options::new(user, &password)
        };
        let credentials = Credentials::Basic {
            user: user.to_owned(),
            password,
        };
        Ok(Self {
            named: Named {
                endpoint: format!("http://{addr}/xAPI"),
                credentials: Some(credentials),
                allow_cleartext: false,
            },
            kind: Kind::Hub {
                options: Box::new(options),
                mischief: Mischief::new(),
                running: None,
            },
        })
    }

    /// Returns an LRS that is there already, but that no device can reach yet.
    pub fn real(named: Named) -> Result<Self, Error> {
        let network = |_| Ok(Arc::new(Network::new(transport()?)));
        let networks = Device::ALL
            .into_iter()
            .map(network)
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            named,
            kind: Kind::Real { networks },
        })
    }

    /// Returns its base URL.
    pub fn endpoint(&self) -> &str {
        &self.named.endpoint
    }

    /// Returns the settings of a device's collector.
    pub fn config(&self, device: Device) -> Config {
        let mut config = Config::new(&self.named.endpoint, self.named.credentials.clone());
        config.allow_cleartext = self.named.allow_cleartext;
        if let Kind::Real { networks } = &self.kind {
            config.transport = Some(Arc::clone(&networks[device as usize]) as _);
        }
        config
    }

    /// Returns the LRS, to be asked past all collectors and all trouble made on the way.
    pub async fn lrs(&self) -> Result<Lrs, Error> {
        let endpoint = Endpoint::parse(&self.named.endpoint).map_err(pannier::Error::from)?;
        let credentials = self.named.credentials.as_ref();
        endpoint
            .check_cleartext(credentials.is_some(), self.named.allow_cleartext)
            .map_err(pannier::Error::from)?;
        let authorization = credentials
            .map(Credentials::authorization)
            .transpose()
            .map_err(pannier::Error::from)?;
        Lrs::greet(endpoint, authorization, transport()?).await
    }

    /// Describes the second phase: who makes which trouble.
    pub fn trouble(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Hub { .. } => &[
                "The LRS answers three requests 503 with Retry-After; then it stores what three others send,",
                "and their answers are lost. One statement it will not take.",
            ],
            Kind::Real { .. } => &[
                "A real LRS is not ours to spoil, so the trouble is made on the way to it: each device gets",
                "a 503 with Retry-After; then a batch of each goes through and the answer is thrown away.",
                "Under the id of one statement the LRS was given another one: ours it will not take.",
            ],
        }
    }

    /// Makes the LRS reachable and lets it behave badly. It will not take this statement.
    pub async fn come_up_badly(&mut self, unwelcome: &Note) -> Result<(), Error> {
        let each = Device::ALL.len();
        if let Kind::Hub {
            options,
            mischief,
            running,
        } = &mut self.kind
        {
            mischief.next(each, Whom::Anyone, &Deed::Unavailable(Some(1)));
            mischief.next(each, Whom::Senders, &Deed::LoseAnswer);
            mischief.refuse(unwelcome.id, REFUSAL);
            let around = mischief.clone();
            let hub = Hub::start_around(options, |router| around.around(router))?;
            *running = Some(hub);
            return Ok(());
        }
        let taken = self
            .lrs()
            .await?
            .take_id(&another_under(unwelcome.id))
            .await;
        taken
            .map_err(|why| Error::Lrs(format!("the LRS does not take a first statement: {why}")))?;
        if let Kind::Real { networks } = &self.kind {
            for network in networks {
                network.up([NetworkDeed::Busy, NetworkDeed::LoseAnswer]);
            }
        }
        Ok(())
    }

    /// Ends all trouble, except that the LRS still will not take this statement.
    pub fn be_well(&self, unwelcome: &Note) {
        match &self.kind {
            Kind::Hub { mischief, .. } => {
                mischief.stop();
                mischief.refuse(unwelcome.id, REFUSAL);
            }
            Kind::Real { networks } => networks.iter().for_each(|network| network.up([])),
        }
    }
}

fn transport() -> Result<HttpTransport, Error> {
    HttpTransport::new(&HttpOptions::default()).map_err(|why| Error::Usage(why.to_string()))
}

/// Returns a statement that somebody else stored under an id that will be ours.
fn another_under(id: Uuid) -> String {
    Statement::new(
        Agent::account("https://drills.example.com", "crew-0007").name("Somebody Else"),
        verbs::EXPERIENCED,
        XapiActivity::new("https://drills.example.com/drills/lifeboat"),
    )
    .id(id)
    .to_json()
}
