package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
)

// StopPath is the address that stops the letters to a member without a sign-in (RFC 8058): who has it can do that and
// nothing else. It works for as long as the forum has its secret, because letters lie in mailboxes for years.
func StopPath(secret []byte, member int64) string {
	id := strconv.FormatInt(member, 10)
	return "/unsubscribe?" + url.Values{"member": {id}, "signed": {signed(secret, id)}}.Encode()
}

// StopFor is whose letters an address of StopPath stops; ok is false when it is none of ours.
func StopFor(secret []byte, query url.Values) (member int64, ok bool) {
	id := query.Get("member")
	member, err := strconv.ParseInt(id, 10, 64)
	return member, err == nil && hmac.Equal([]byte(signed(secret, id)), []byte(query.Get("signed")))
}

func signed(secret []byte, id string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("unsubscribe " + id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
