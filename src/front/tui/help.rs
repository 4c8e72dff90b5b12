//! What each step shows and does: the words of `F1` that are the step's own.

use crate::questions::Step;

pub(super) fn of(step: Step, is_begun: bool) -> &'static str {
    match step {
        Step::Host => {
            "Here you see what was found on this host; nothing has to be typed. \"authority\" is \
             the certificate authority of nim-tls: a root and an intermediate, which sign the \
             certificates of the manager and of its agents. \"today\" is what nginx asks of \
             agents as it is. Whoever comes to the manager is affected later: browsers, and the \
             agents, which are its programs on the NGINX hosts that it manages."
        }
        Step::Prerequisites => {
            "[STOP] has to be mended before anything can be done; [KNOW] you should know; [ ?? ] \
             could not be told, and why; [ ok ] is fine. A line after \"do:\" is what helps, to \
             be typed in another terminal. Enter on such a line, or Check again, looks at the \
             host once more. Clients are counted by their connections to one port, so browsers \
             and agents cannot be told apart here."
        }
        Step::Method => {
            "Rows are what is protected, columns are who does it: the manager's own ports (no \
             proxy), NGINX open source (nginx-oss) or NGINX Plus in front of it. (*) is chosen, \
             ( ) can be chosen, N/A exists nowhere, \"not here\" exists, but not on this host. An \
             agent is the program on each NGINX host that the manager talks to."
        }
        Step::Names => {
            "These names go into certificates. Where several can be given, commas or blanks stand \
             between them. Each letter is judged as you type, and the preview follows."
        }
        Step::Certificates => {
            "The tree shows who signs whom, and for how many days: the root signs the \
             intermediate, that signs the manager's certificate and one for each agent. Left and \
             Right change an answer that stands in < >. Browsers and agents meet a new \
             certificate of the manager once it is applied, and have to trust its root; this \
             host does where the root goes into its trust store."
        }
        Step::Files => {
            "Each file that is written: created or changed, lines added and removed, mode. \
             \"secret\" is a key, which is shown nowhere; \"made on yes\" depends on keys that do \
             not exist yet. \"run\" is a command. \"know\" is what you should know first."
        }
        Step::Apply if is_begun => {
            "The steps of the work: what came of each, and how long it took. It goes on without \
             this screen. If anything fails, or nobody says Keep after the proof, all of it is put \
             back, and this step shows how."
        }
        Step::Apply => {
            "Back: to Files. Issue and hand out only: makes the certificates and the files of \
             each agent, and touches no service; bring them to the agents, and come back for the \
             rest. Yes, change this host: all that is listed. If anything fails, a proof comes \
             out wrong, or nobody says Keep after it, all of it is put back."
        }
        Step::Verify => {
            "Each line is a connection that was made just now. \"through\": nginx handed it to the \
             service. \"refused\": it did not get there. grpc-status 16 is a refusal for want of \
             a certificate, HTTP 400 for a wrong one. grpc-status 12 is the service's own answer \
             to a call that does not exist: made on purpose, because it changes nothing. \"as \
             before\": a browser gets the page that it got before the change. \"--\" could not \
             be tried from here. While the first row counts down: Keep makes it stay, Not yet \
             decides nothing, and without Keep everything is put back by itself."
        }
    }
}
