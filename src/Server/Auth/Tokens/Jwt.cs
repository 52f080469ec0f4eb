using System.Buffers.Text;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>A signed JSON web token in its compact form: as much of RFC 7515 as service account tokens need.</summary>
/// <param name="Algorithm">What the token says it is signed with: never trusted, only compared with the key's own.</param>
sealed record Jwt(string Algorithm, string KeyId, JsonObject Claims, byte[] Signed, byte[] Signature)
{
    /// <summary>Longer ones are no tokens.</summary>
    const int MaxLength = 16 << 10;

    /// <returns>Null when the text is no JSON web token.</returns>
    public static Jwt? Parse(string token)
    {
        if (token.Length > MaxLength || token.Split('.') is not [{ Length: > 0 } head, { Length: > 0 } body, { Length: > 0 } signature]) return null;
        if (Read(head) is not { } header || Read(body) is not { } claims || !Base64Url.IsValid(signature)) return null;
        return header["alg"] is JsonString algorithm && header["crit"] is null
            ? new(algorithm.Value, header["kid"].Text(), claims, Encoding.ASCII.GetBytes(token, 0, head.Length + 1 + body.Length), Base64Url.DecodeFromChars(signature))
            : null;
    }

    static JsonObject? Read(string part)
    {
        if (!Base64Url.IsValid(part)) return null;
        try { return JsonValue.Parse(Base64Url.DecodeFromChars(part)) as JsonObject; }
        catch (JsonSyntaxException) { return null; }
    }

    public static string Sign(TokenKey key, JsonObject claims)
    {
        string head = Base64Url.EncodeToString(JsonObject.Of(("alg", key.Algorithm), ("kid", key.Id)).ToUtf8());
        string text = head + "." + Base64Url.EncodeToString(claims.ToUtf8());
        return text + "." + Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(text)));
    }
}
