package git

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/pakashop/evenkeel/actuators"
)

// message is that of a revert, in git's own words, so that people, servers and
// other evenkeels know it for one.
func message(w wish, line []commit) string {
	var b strings.Builder
	b.WriteString(`Revert "` + short(line[0].subject, 200) + `"`)
	if n := len(line) - 1; n > 0 {
		fmt.Fprintf(&b, " and %d before it", n)
	}
	b.WriteString("\n\n")
	for _, c := range line {
		fmt.Fprintf(&b, "This reverts commit %s", c.id)
		if len(c.parents) > 1 {
			fmt.Fprintf(&b, ", reversing\nchanges made to %s", c.parents[0])
		}
		b.WriteString(".\n")
	}
	fmt.Fprintf(&b, "\nevenkeel on %s took it back", w.host)
	if why := short(w.why, 300); why != "" {
		b.WriteString(": " + why)
	}
	fmt.Fprintf(&b, "\n\n%s%s\n", trailer, w.key)
	return b.String()
}

// object is a commit as git stores it: the same for the same request, to the bit,
// as long as its key signs so, as ed25519 and RSA do.
func object(w wish, tree, parent, message string) (string, error) {
	who := fmt.Sprintf("%s <%s> %d +0000", w.author.Name, w.author.Email, w.at.Unix())
	head := fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %s\n", tree, parent, who, who)
	body := "\n" + message
	if w.secrets.SigningKey == "" {
		return head + body, nil
	}
	signature, err := sign(w.secrets.SigningKey, head+body)
	if err != nil {
		return "", err
	}
	field := "gpgsig"
	if len(w.commit) == 64 {
		field = "gpgsig-sha256"
	}
	return head + field + " " + strings.ReplaceAll(strings.TrimSuffix(signature, "\n"), "\n", "\n ") + "\n" + body, nil
}

// sign signs as ssh-keygen -Y sign -n git does (OpenSSH's PROTOCOL.sshsig).
func sign(key, text string) (string, error) {
	s, err := signer(key, "git-signing-key")
	if err != nil {
		return "", err
	}
	const magic, namespace, hash = "SSHSIG", "git", "sha512"
	sum := sha512.Sum512([]byte(text))
	signed := magic + string(ssh.Marshal(struct{ Namespace, Reserved, Hash, Sum string }{namespace, "", hash, string(sum[:])}))
	var sig *ssh.Signature
	if a, ok := s.(ssh.AlgorithmSigner); ok && s.PublicKey().Type() == ssh.KeyAlgoRSA {
		sig, err = a.SignWithAlgorithm(rand.Reader, []byte(signed), ssh.KeyAlgoRSASHA512)
	} else {
		sig, err = s.Sign(rand.Reader, []byte(signed))
	}
	if err != nil {
		return "", actuators.Errorf(actuators.Failed, "git-signing-key does not sign: %w", err)
	}
	blob := magic + string(ssh.Marshal(struct {
		Version                                   uint32
		Key, Namespace, Reserved, Hash, Signature string
	}{1, string(s.PublicKey().Marshal()), namespace, "", hash, string(ssh.Marshal(sig))}))
	return armored(blob), nil
}

// armored is as OpenSSH writes it: PEM, but in lines of 70.
func armored(blob string) string {
	const begin, end = "-----BEGIN SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\n"
	text := base64.StdEncoding.EncodeToString([]byte(blob))
	var b strings.Builder
	b.WriteString(begin)
	for len(text) > 0 {
		n := min(70, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	return b.String() + end
}
