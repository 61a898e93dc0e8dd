package demo

// host is one machine of the demo.
type host struct {
	name    string // its alias in the configuration and its name in the prompt
	user    string // who may log in
	port    int    // the loopback port to prefer, 0 for any
	inner   string // "name:port" for a host that only other hosts reach; it has no listener
	knownAs string // its name in known_hosts, "" for name itself
	known   known
	login   login
	rsa     bool              // has an RSA host key too
	reaches map[string]string // what a client may ask for (host:port) and the inner address that answers
	motd    string            // the first line of a login
	home    tree              // the files of user
}

// known says what known_hosts holds of a host.
type known string

const (
	knownKey     known = ""        // its ed25519 key
	knownRSA     known = "rsa"     // only its RSA key: a client has to ask for that type
	knownNothing known = "nothing" // first connection
	knownOther   known = "other"   // a key that is not its own any more
)

// login says what a host wants to see: a key, a password, or both of password
// and code by keyboard-interactive.
type login struct {
	identity string // file name of the key
	password string
	code     string // the second round
}

// identity is a key of the person at the demo.
type identity struct {
	file       string
	kind       string // "ecdsa" (521 bits) or "ed25519"
	comment    string
	passphrase string
}

// people are the keys that people have, named and made as the courses say.
var people = []identity{
	{file: "id_ecdsa", kind: "ecdsa", comment: "dany@castlerock"},
	{file: "id_ecdsa_bastion", kind: "ecdsa", comment: "daenerys@castlerock"},
	{file: "id_ens", kind: "ed25519", comment: "etudiant@laptop"},
	{file: "id_work", kind: "ed25519", comment: "student@laptop"},
	{file: "id_ed25519", kind: "ed25519", comment: "user@localhost"},
	{file: "id_ed25519_otherVM", kind: "ed25519", comment: "etudiant@otherVM", passphrase: "valyrian steel"},
}

// password and oneTimeCode open what keys do not. They stand in the
// configuration, above the hosts that ask for them.
const (
	password    = "dracarys"
	oneTimeCode = "271828"
)

// hosts are the machines of the institutes' stories.
var hosts = []*host{
	{
		name: "got-bastion", user: "daenerys",
		login: login{identity: "id_ecdsa_bastion"},
		reaches: map[string]string{
			"targaryen:22":   "targaryen:22",
			"targaryen:8080": "targaryen:8080",
		},
		motd: "got-bastion: the gate of the house. targaryen lies behind it.",
		home: tree{"README": "Go on with ProxyJump; nothing is computed on the bastion.\n"},
	},
	{
		name: "targaryen", user: "dany", inner: "targaryen:22",
		login: login{identity: "id_ecdsa"},
		reaches: map[string]string{
			"localhost:8080": "targaryen:8080",
			"127.0.0.1:8080": "targaryen:8080",
			"targaryen:8080": "targaryen:8080",
		},
		motd: "targaryen: fire, blood, and Jupyter on port 8080.",
		home: tree{
			"paper.tex":                    paper,
			"data.csv":                     data,
			"notebooks/dragons.ipynb":      notebook,
			"notebooks/wildfire-fit.ipynb": notebook,
		},
	},
	{
		name: "tyrell", user: "dragonqueen", known: knownNothing,
		login: login{identity: "id_ecdsa"},
		motd:  "tyrell: growing strong.",
		home:  tree{"roses.csv": "garden,roses\nhighgarden,1024\n"},
	},
	{
		name: "martell", user: "dragonqueen", known: knownOther,
		login: login{identity: "id_ecdsa"},
		motd:  "martell: unbowed, unbent, reinstalled.",
		home:  tree{"sun.txt": "Everything was set up anew, the host key too.\n"},
	},
	{
		name: "ens", user: "etudiant",
		login:   login{identity: "id_ens"},
		reaches: map[string]string{"192.0.2.7:22": "192.0.2.7:22"},
		motd:    "ens: the school's gateway.",
		home:    tree{"course.md": "# 10 SSH\n\nTry `ssh work-ens`.\n"},
	},
	{
		name: "work-ens", user: "student", inner: "192.0.2.7:22", knownAs: "192.0.2.7",
		login: login{identity: "id_work"},
		motd:  "work-ens: a desk inside the school.",
		home:  tree{"data.csv": data, "notes/monday.txt": "Ask for more disk.\n"},
	},
	{
		name: "spirit1", user: "user", known: knownRSA, rsa: true,
		login:   login{identity: "id_ed25519"},
		reaches: map[string]string{"jean-zay.idris.example:22": "jean-zay.idris.example:22"},
		motd:    "spirit1: head node of the mesocentre.",
		home:    tree{"job.sh": "#!/bin/sh\n#SBATCH --ntasks=64\nsrun ./model\n"},
	},
	{
		name: "jean-zay", user: "ujz42user", inner: "jean-zay.idris.example:22", knownAs: "jean-zay.idris.example",
		login: login{identity: "id_ed25519"},
		motd:  "jean-zay: 42 nodes are idle. squeue shows your jobs.",
		home:  tree{"data.csv": data, "run/slurm-4242.out": "step 1 of 1000\nstep 2 of 1000\n"},
	},
	{
		name: "othervm", user: "etudiant",
		login: login{identity: "id_ed25519_otherVM"},
		motd:  "othervm: you came in with a key that has a passphrase.",
		home:  tree{"paper.tex": paper},
	},
	{
		name: "esrf", user: "johnson", port: 5022,
		login: login{password: password},
		motd:  "esrf: Please wait... checking for disk quotas.",
		home:  tree{"beamtime/scan-0001.csv": data},
	},
	{
		name: "idris-2fa", user: "ujz42user",
		login: login{password: password, code: oneTimeCode},
		motd:  "idris-2fa: you proved it twice.",
		home:  tree{"data.csv": data},
	},
}

const (
	paper = `\documentclass{article}
\title{On the Half-Life of Dragons}
\begin{document}
\maketitle
We measured three of them. One was already dead.
\end{document}
`
	data = `year,dragons,wildfire_jars
298,0,7811
299,3,7811
300,3,0
`
	notebook = `{"cells": [{"cell_type": "code", "source": ["3 * fire"], "outputs": []}], "nbformat": 4, "nbformat_minor": 5}
`
)
