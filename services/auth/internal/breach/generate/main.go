// Command generate writes common.txt: what people choose when they may choose
// anything. It puts together the words of words.txt with what is hung on them,
// and walks over rows of keys and digits.
package main

import (
	"bufio"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"
)

// shortest is the least length of an entry: shorter ones cannot be chosen anyhow.
const shortest = 8

func main() {
	list := map[string]bool{}
	add := func(entries ...string) {
		for _, e := range entries {
			if len(e) >= shortest {
				list[e] = true
			}
		}
	}
	for _, w := range words() {
		add(w, w+w)
		for _, tail := range []string{"1", "12", "123", "1234", "!", "1!"} {
			add(w + tail)
		}
	}
	add(walks()...)
	add(numbers()...)
	write("common.txt", list)
}

func words() []string {
	text, err := os.ReadFile("words.txt")
	if err != nil {
		log.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, strings.Fields(line)...)
		}
	}
	return all
}

// walks are runs over neighbouring keys, forth, back, twice and with digits.
func walks() []string {
	rows := []string{
		"qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop", "qwertzuiop", "yxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz",
		"1qaz2wsx3edc4rfv5tgb6yhn", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "a1s2d3f4g5h6j7k8l9",
		"a1b2c3d4e5f6g7h8i9j0", "zaq12wsxcde34rfv", "qweasdzxcrtyfghvbn", "1a2b3c4d5e6f7g8h", "!@#$%^&*()", "qwerasdfzxcv", "147258369", "159753456852",
		"789456123", "741852963", "123qweasdzxc", "qwe123asd456zxc789", "1qazxsw23edcvfr4", "poiuytrewq0987654321", "asdqwe123",
	}
	var all []string
	for _, row := range rows {
		for _, way := range []string{row, backwards(row)} {
			for n := 3; n <= len(way); n++ {
				run := way[:n]
				all = append(all, run, run+run, run+"1", run+"123", run+"!", run+backwards(run))
			}
		}
	}
	return all
}

// numbers are digits, or letters, of little variety.
func numbers() []string {
	var all []string
	for c := rune('0'); c <= 'z'; c++ {
		if c > '9' && c < 'a' {
			continue
		}
		for n := shortest; n <= 16; n++ {
			all = append(all, strings.Repeat(string(c), n))
		}
	}
	for n := range 100 {
		pair := string(rune('0'+n/10)) + string(rune('0'+n%10))
		all = append(all, strings.Repeat(pair, 4), strings.Repeat(pair, 5), strings.Repeat(pair[:1], 4)+strings.Repeat(pair[1:], 4))
	}
	for year := 1950; year <= 2027; year++ {
		y := strconv.Itoa(year)
		all = append(all, y+y, "0101"+y, "1231"+y, y+"0101")
	}
	for n := range 1000 {
		three := strconv.Itoa(1000 + n)[1:]
		all = append(all, strings.Repeat(three, 3))
	}
	return append(all, "11223344", "1122334455", "112233445566", "123321123", "12344321", "1234512345", "123454321", "12345678910", "1234567891", "123456781", "01234567", "0123456789", "0987654321",
		"31415926", "3141592653", "27182818", "10101010", "13131313", "147147147", "987654321a", "a12345678", "a123456789", "abc12345", "abcd1234", "abc123456", "abc123abc", "aa123456", "aa12345678", "q1w2e3r4t5",
		"trustno1", "trustno1!", "iloveyou2", "iloveyou1", "letmein1", "passw0rd", "p@ssw0rd", "p@ssword", "p@$$w0rd", "pa$$word", "pa55word", "passw0rd1", "zag12wsx", "asd123456", "qwe123456", "test1234", "user1234", "root1234", "admin1234", "pass1234", "temp1234", "love1234")
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func write(name string, list map[string]bool) {
	sorted := make([]string, 0, len(list))
	for e := range list {
		sorted = append(sorted, e)
	}
	slices.Sort(sorted)
	f, err := os.Create(name)
	if err != nil {
		log.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for _, e := range sorted {
		_, _ = w.WriteString(e + "\n")
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}
