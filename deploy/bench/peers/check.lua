-- The usual gateway in nginx and Lua: an ES256 token is verified with libcrypto and remembered for a
-- minute, and the user's limit is one GCRA script a request in Redis. It checks less than Codex does:
-- no limit by address, no revocation, no rules for browsers.
local ffi = require "ffi"
local json = require "cjson.safe"
local lrucache = require "resty.lrucache"
local base64 = require "ngx.base64"

ffi.cdef [[
typedef struct bio_st BIO;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_md_st EVP_MD;
BIO *BIO_new_mem_buf(const void *buf, int len);
int BIO_free(BIO *bio);
EVP_PKEY *PEM_read_bio_PUBKEY(BIO *bio, EVP_PKEY **key, void *callback, void *data);
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *ctx);
const EVP_MD *EVP_sha256(void);
int EVP_DigestVerifyInit(EVP_MD_CTX *ctx, void **key_ctx, const EVP_MD *type, void *engine, EVP_PKEY *key);
int EVP_DigestVerify(EVP_MD_CTX *ctx, const char *sig, size_t sig_len, const char *text, size_t text_len);
]]
local crypto = ffi.load "crypto.so.3"

local function public_key(path)
  local file = assert(io.open(path))
  local pem = file:read "*a"
  file:close()
  local bio = crypto.BIO_new_mem_buf(pem, #pem)
  local key = crypto.PEM_read_bio_PUBKEY(bio, nil, nil, nil)
  crypto.BIO_free(bio)
  assert(key ~= nil, "no public key in " .. path)
  return key
end

-- A JWT has r and s side by side; libcrypto wants them as ASN.1.
local function asn1_number(bytes)
  bytes = bytes:gsub("^%z+", "")
  if bytes == "" or bytes:byte(1) >= 128 then bytes = "\0" .. bytes end
  return "\2" .. string.char(#bytes) .. bytes
end

local function asn1(signature)
  local numbers = asn1_number(signature:sub(1, 32)) .. asn1_number(signature:sub(33))
  return "\48" .. string.char(#numbers) .. numbers
end

local function signed(key, text, signature)
  if not signature or #signature ~= 64 then return false end
  local der, ctx = asn1(signature), crypto.EVP_MD_CTX_new()
  local good = crypto.EVP_DigestVerifyInit(ctx, nil, crypto.EVP_sha256(), nil, key) == 1
    and crypto.EVP_DigestVerify(ctx, der, #der, text, #text) == 1
  crypto.EVP_MD_CTX_free(ctx)
  return good
end

local function decoded(part) return json.decode(base64.decode_base64url(part) or "") end

local function verified(token, key, issuer)
  local head, payload, signature = token:match "^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$"
  if not head then return nil end
  local header = decoded(head)
  if not header or header.alg ~= "ES256" or header.crit then return nil end
  if not signed(key, head .. "." .. payload, base64.decode_base64url(signature)) then return nil end
  local claims = decoded(payload)
  if not claims or claims.iss ~= issuer or claims.aud ~= issuer or not claims.exp then return nil end
  return claims
end

local gcra = [[
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + ARGV[1]
if due - now > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], string.format('%d', due), 'PX', math.ceil((due - now) / 1000) + 1)
return 1]]

local function ask(socket, ...)
  local words = { ... }
  local out = { "*" .. #words .. "\r\n" }
  for _, word in ipairs(words) do
    word = tostring(word)
    out[#out + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
  end
  assert(socket:send(table.concat(out)))
  local line = assert(socket:receive "*l")
  if line:sub(1, 1) ~= "$" then return line:sub(2) end
  local text = socket:receive(tonumber(line:sub(2)))
  socket:receive(2)
  return text
end

local sha
local function within_limit(port, user)
  local socket = ngx.socket.tcp()
  socket:settimeout(5000) -- a busy machine is no reason to fail
  if not socket:connect("127.0.0.1", port) then return true end
  sha = sha or ask(socket, "SCRIPT", "LOAD", gcra)
  local said = ask(socket, "EVALSHA", sha, 1, "peer:" .. user, 1, 1000000000)
  socket:setkeepalive(60000, 256)
  return said ~= "0"
end

local function new(key_path, issuer, redis_port)
  local key, known = public_key(key_path), assert(lrucache.new(20000))
  return function()
    local header = ngx.var.http_authorization
    local token = header and header:match "^Bearer (.+)$"
    if not token then return ngx.exit(401) end
    local claims = known:get(token)
    if not claims then
      claims = verified(token, key, issuer)
      if claims then known:set(token, claims, 60) end
    end
    local now = ngx.time()
    if not claims or claims.exp < now or (claims.nbf and claims.nbf > now) then return ngx.exit(401) end
    ngx.req.set_header("X-User-Id", claims.sub)
    if not within_limit(redis_port, claims.sub) then return ngx.exit(429) end
  end
end

return { new = new }
