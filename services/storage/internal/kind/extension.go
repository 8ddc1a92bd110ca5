package kind

import (
	"path"
	"strings"
)

// ofExtension gives the media type that the name's extension promises, or "".
// The table is our own, because the operating system's differs between machines
// and is missing in a container. Extensions with two meanings (.ts) are left out.
func ofExtension(name string) string {
	return extensions[strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))]
}

var extensions = map[string]string{
	// pictures
	"avif": "image/avif", "bmp": "image/bmp", "gif": "image/gif", "heic": "image/heic", "heif": "image/heif",
	"ico": "image/x-icon", "jfif": "image/jpeg", "jpe": "image/jpeg", "jpeg": "image/jpeg", "jpg": "image/jpeg",
	"jxl": "image/jxl", "png": "image/png", "apng": "image/png", "psd": "image/vnd.adobe.photoshop",
	"svg": "image/svg+xml", "tif": "image/tiff", "tiff": "image/tiff", "webp": "image/webp",
	// sound and film
	"aac": "audio/aac", "aiff": "audio/aiff", "flac": "audio/flac", "m4a": "audio/x-m4a", "mid": "audio/midi",
	"mp3": "audio/mpeg", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg", "wav": "audio/wav",
	"avi": "video/x-msvideo", "flv": "video/x-flv", "m4v": "video/x-m4v", "mkv": "video/x-matroska",
	"mov": "video/quicktime", "mp4": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpeg",
	"ogv": "video/ogg", "webm": "video/webm", "wmv": "video/x-ms-asf",
	// documents
	"doc":  "application/msword",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"epub": "application/epub+zip",
	"odp":  "application/vnd.oasis.opendocument.presentation",
	"ods":  "application/vnd.oasis.opendocument.spreadsheet",
	"odt":  "application/vnd.oasis.opendocument.text",
	"pdf":  "application/pdf",
	"ppt":  "application/vnd.ms-powerpoint",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"rtf":  "text/rtf",
	"xls":  "application/vnd.ms-excel",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	// archives and programs
	"7z": "application/x-7z-compressed", "apk": "application/vnd.android.package-archive", "bz2": "application/x-bzip2",
	"deb": "application/vnd.debian.binary-package", "dll": "application/vnd.microsoft.portable-executable",
	"exe": "application/vnd.microsoft.portable-executable", "gz": "application/gzip", "jar": "application/java-archive",
	"rar": "application/vnd.rar", "rpm": "application/x-rpm", "svgz": "application/gzip", "tar": "application/x-tar",
	"tgz": "application/gzip", "wasm": "application/wasm", "xz": "application/x-xz", "zip": "application/zip", "zst": "application/zstd",
	// fonts and data
	"otf": "font/otf", "ttf": "font/ttf", "woff": "font/woff", "woff2": "font/woff2",
	"parquet": "application/vnd.apache.parquet", "sqlite": "application/vnd.sqlite3",
	// text
	"c": "text/x-c", "conf": "text/plain", "cpp": "text/x-c", "css": "text/css", "csv": "text/csv", "eml": "message/rfc822",
	"go": "text/x-go", "h": "text/x-c", "htm": "text/html", "html": "text/html", "ics": "text/calendar", "ini": "text/plain",
	"java": "text/x-java", "js": "text/javascript", "json": "application/json", "log": "text/plain", "md": "text/markdown",
	"mjs": "text/javascript", "php": "text/x-php", "py": "text/x-python", "rb": "text/x-ruby", "rs": "text/x-rust",
	"rst": "text/x-rst", "sh": "text/x-shellscript", "sql": "text/x-sql", "srt": "application/x-subrip",
	"toml": "text/x-toml", "tsv": "text/tab-separated-values", "txt": "text/plain", "vcf": "text/vcard", "vtt": "text/vtt",
	"xhtml": "application/xhtml+xml", "xml": "text/xml", "yaml": "text/yaml", "yml": "text/yaml",
}
