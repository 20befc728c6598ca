// html/template and a pool of SMTP connections: a message for each reader, as Go mailers do it.
// Usage: main PORT COUNT FOLDER [tls]; prints CPU and wall seconds as JSON.
package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"html/template"
	"mime/multipart"
	"mime/quotedprintable"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	textplate "text/template"
	"time"
)

const slot = "HANDBILL-READER-TOKEN"

type reader struct{ Token string }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func read(folder, name string) string {
	data, err := os.ReadFile(filepath.Join(folder, name))
	must(err)
	return strings.ReplaceAll(string(data), slot, "{{.Token}}")
}

func part(into *multipart.Writer, kind string, body []byte) {
	header := textproto.MIMEHeader{}
	header.Set("Content-Type", "text/"+kind+"; charset=UTF-8")
	header.Set("Content-Transfer-Encoding", "quoted-printable")
	to, err := into.CreatePart(header)
	must(err)
	encoded := quotedprintable.NewWriter(to)
	_, err = encoded.Write(body)
	must(err)
	must(encoded.Close())
}

func message(html *template.Template, text *textplate.Template, number int, token string) []byte {
	var asHTML, asText, whole bytes.Buffer
	must(html.Execute(&asHTML, reader{token}))
	must(text.Execute(&asText, reader{token}))
	parts := multipart.NewWriter(&whole)
	fmt.Fprintf(&whole, "From: The Paper <news@paper.example>\r\nTo: reader%d@mail.example\r\nSubject: Today: eight reports\r\n"+
		"Message-ID: <%040x@paper.example>\r\nDate: %s\r\nList-Unsubscribe: <https://paper.example/unsubscribe/%s/>\r\n"+
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=%s\r\n\r\n",
		number, number, time.Now().Format(time.RFC1123Z), token, parts.Boundary())
	part(parts, "plain", asText.Bytes())
	part(parts, "html", asHTML.Bytes())
	must(parts.Close())
	return whole.Bytes()
}

func connect(address string, secure bool) *smtp.Client {
	if !secure {
		client, err := smtp.Dial(address)
		must(err)
		return client
	}
	wire, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	must(err)
	client, err := smtp.NewClient(wire, "127.0.0.1")
	must(err)
	return client
}

func cpu() float64 {
	var spent syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &spent))
	return float64(spent.Utime.Sec+spent.Stime.Sec) + float64(spent.Utime.Usec+spent.Stime.Usec)/1e6
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	must(err)
	folder, secure := os.Args[3], len(os.Args) > 4
	html := template.Must(template.New("html").Parse(read(folder, "letter.html")))
	text := textplate.Must(textplate.New("text").Parse(read(folder, "letter.txt")))
	before, began := cpu(), time.Now()
	var next int64 = -1
	var all sync.WaitGroup
	for worker := 0; worker < 10; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			client := connect("127.0.0.1:"+os.Args[1], secure)
			defer client.Close()
			for {
				number := int(atomic.AddInt64(&next, 1))
				if number >= count {
					return
				}
				data := message(html, text, number, fmt.Sprintf("%08d-5d59-4f0e-9f43-0a7b4b8f9d11.Zm9vYmFyLV9iYXpxdXV4", number))
				must(client.Mail("news@paper.example"))
				must(client.Rcpt(fmt.Sprintf("reader%d@mail.example", number)))
				writer, err := client.Data()
				must(err)
				_, err = writer.Write(data)
				must(err)
				must(writer.Close())
				must(client.Reset()) // as smtppool does before a connection is used again
			}
		}()
	}
	all.Wait()
	fmt.Printf("{\"cpu\": %f, \"wall\": %f, \"memory\": 0}\n", cpu()-before, time.Since(began).Seconds())
}
