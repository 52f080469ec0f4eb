using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Configuration;

namespace Hanbae.Server.Auth.Oidc;

/// <summary>Reads claims by their names, as upstream did before there were expressions.</summary>
static class ClaimValues
{
    public static string Text(JsonObject claims, string name, string what) => claims[name] switch
    {
        JsonString s => s.Value,
        null => throw new FormatException($"oidc: parse {what} claims {GoQuote.Text(name)}: claim not present"),
        _ => throw new FormatException($"oidc: parse {what} claims {GoQuote.Text(name)}: claim is no string"),
    };

    public static string Username(JsonObject claims, ClaimSource source)
    {
        string name = Text(claims, source.Claim, "username");
        // An address that the issuer says it has not verified may be anybody's.
        if (source.Claim == "email" && claims["email_verified"] is { } verified)
        {
            if (verified is not JsonBool b) throw new FormatException("oidc: parse 'email_verified' claim: it is no boolean");
            if (!b.Value) throw new FormatException("oidc: email not verified");
        }
        return name.Length == 0 ? name : source.Prefix + name;
    }

    /// <summary>A list, or one group alone; none when the claim is not there.</summary>
    public static Seq<string> Groups(JsonObject claims, ClaimSource source) => source.Claim.Length == 0 ? [] : claims[source.Claim] switch
    {
        null or JsonNull => [],
        JsonString one => [source.Prefix + one.Value],
        JsonArray many when many.Items.All(i => i is JsonString) => [.. many.Items.Select(i => source.Prefix + ((JsonString)i).Value)],
        _ => throw new FormatException($"oidc: parse groups claim {GoQuote.Text(source.Claim)}: it is neither a string nor a list of strings"),
    };

    public static void Require(JsonObject claims, ClaimRule rule)
    {
        if (claims[rule.Claim] is not { } value) throw new FormatException($"oidc: required claim {rule.Claim} not present in ID token");
        if (value is not JsonString text) throw new FormatException($"oidc: parse claim {rule.Claim}: it is no string");
        if (text.Value != rule.RequiredValue) throw new FormatException($"oidc: required claim {rule.Claim} value does not match. Got = {text.Value}, want = {rule.RequiredValue}");
    }

    /// <summary>The user as expressions see it; what is empty is there all the same.</summary>
    public static JsonObject TreeOf(Identity user) => JsonObject.Of(
        ("username", user.Name), ("uid", user.Uid), ("groups", Texts(user.Groups)),
        ("extra", JsonObject.Of([.. user.Extra.Select(e => (e.Key, (JsonValue)Texts(e.Value)))])));

    static JsonArray Texts(Seq<string> texts) => new([.. texts.Select(t => (JsonValue)t)]);
}
