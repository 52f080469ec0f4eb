using System.Collections.Immutable;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;
using Hanbae.Machinery.Yaml;
using Hanbae.Store.Encryption;

namespace Hanbae.Server.Encryption;

/// <summary>Reads an EncryptionConfiguration (apiserver.config.k8s.io/v1): which resources are encrypted in the store, by which keys.</summary>
public static class EncryptionConfiguration
{
    static readonly string[] s_providers = ["aesgcm", "aescbc", "secretbox", "identity", "kms"];

    /// <exception cref="FormatException">It is none, or says something that cannot be; the message says where.</exception>
    public static EncryptionRules Parse(string text, TimeProvider time)
    {
        JsonValue root;
        try { root = YamlReader.Read(text); }
        catch (YamlException e) { throw new FormatException(e.Message, e); }
        if (root is not JsonObject config) throw new FormatException("an EncryptionConfiguration is needed");
        if (Text(config, "apiVersion") is not ("apiserver.config.k8s.io/v1" or "v1") || Text(config, "kind") is not ("EncryptionConfiguration" or "EncryptionConfig"))
            throw new FormatException("apiVersion and kind must be apiserver.config.k8s.io/v1 and EncryptionConfiguration");
        Only(config, "", "apiVersion", "kind", "metadata", "resources");
        if (config["resources"] is not JsonArray { Count: > 0 } resources) throw new FormatException("resources: Required value: at least one resource configuration is required");
        var rules = ImmutableArray.CreateBuilder<EncryptionRule>();
        var kms = new HashSet<string>();
        for (int i = 0; i < resources.Count; i++)
        {
            string at = $"resources[{i}]";
            var one = resources[i] as JsonObject ?? throw new FormatException($"{at}: must be an object");
            Only(one, at + ".", "resources", "providers");
            if (one["resources"] is not JsonArray { Count: > 0 } names) throw new FormatException($"{at}.resources: Required value: at least one resource is required");
            if (one["providers"] is not JsonArray { Count: > 0 } list) throw new FormatException($"{at}.providers: Required value: at least one provider is required");
            var providers = ImmutableArray.CreateBuilder<IValueProvider>();
            for (int p = 0; p < list.Count; p++) providers.AddRange(Provider(list[p], $"{at}.providers[{p}]", kms, time));
            rules.Add(new([.. names.Select((n, at2) => Name(n, $"{at}.resources[{at2}]"))], new(providers.ToImmutable())));
        }
        return new(rules.ToImmutable());
    }

    static string Name(JsonValue value, string at)
    {
        string name = (value as JsonString)?.Value ?? "";
        if (name.Length == 0) throw new FormatException($"{at}: must be a resource such as secrets or deployments.apps");
        if (name != name.ToLowerInvariant()) throw new FormatException($"{at}: Invalid value: {FieldError.Quoted(name)}: resource name should not contain capital letters");
        if (name == "*") throw new FormatException($"{at}: Invalid value: \"*\": use *.* for everything, *.group for a group, *. for the core group");
        if (name is "apiserveripinfo" or "serviceipallocations" or "servicenodeportallocations" || name.StartsWith("events.events.k8s.io", StringComparison.Ordinal) || name.EndsWith(".extensions", StringComparison.Ordinal))
            throw new FormatException($"{at}: Invalid value: {FieldError.Quoted(name)}: it cannot be encrypted; events and what was in extensions go by the names they are stored under");
        return name;
    }

    static IEnumerable<IValueProvider> Provider(JsonValue value, string at, HashSet<string> kms, TimeProvider time)
    {
        if (value is not JsonObject one) throw new FormatException($"{at}: must be an object");
        Only(one, at + ".", s_providers);
        if (one.Count != 1) throw new FormatException($"{at}: Invalid value: {(one.Count == 0 ? "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity" : "more than one provider specified in a single element, should split into different list elements")}");
        var (kind, body) = (one[0].Name, one[0].Value as JsonObject ?? JsonObject.Empty);
        at = at + "." + kind;
        return kind switch
        {
            "identity" => [new IdentityProvider()],
            "aesgcm" => Keys(body, at).Select(k => (IValueProvider)new AesGcmProvider(k.Name, k.Secret)),
            "aescbc" => Keys(body, at).Select(k => (IValueProvider)new AesCbcProvider(k.Name, k.Secret)),
            "kms" => [Plugin(body, at, kms, time)],
            _ => throw new FormatException($"{at}: XSalsa20 and Poly1305 are in no library that this program has: take aescbc, aesgcm or kms"),
        };
    }

    static List<(string Name, byte[] Secret)> Keys(JsonObject body, string at)
    {
        Only(body, at + ".", "keys");
        if (body["keys"] is not JsonArray { Count: > 0 } keys) throw new FormatException($"{at}.keys: Required value: at least one key is required");
        var made = new List<(string, byte[])>();
        for (int i = 0; i < keys.Count; i++)
        {
            string here = $"{at}.keys[{i}]";
            var key = keys[i] as JsonObject ?? throw new FormatException($"{here}: must be an object");
            Only(key, here + ".", "name", "secret");
            string name = Text(key, "name"), secret = Text(key, "secret");
            if (name.Length == 0) throw new FormatException($"{here}.name: Required value: key name must be provided");
            if (name.Contains(':', StringComparison.Ordinal)) throw new FormatException($"{here}.name: Invalid value: {FieldError.Quoted(name)}: a name has no colon");
            if (secret.Length == 0) throw new FormatException($"{here}.secret: Required value: secret must be provided");
            byte[] bytes;
            try { bytes = System.Convert.FromBase64String(secret); }
            catch (FormatException) { throw new FormatException($"{here}.secret: Invalid value: \"REDACTED\": secret must be base64 encoded"); }
            if (bytes.Length is not (16 or 24 or 32)) throw new FormatException($"{here}.secret: Invalid value: \"REDACTED\": secret is not of the expected length, got {bytes.Length}, expected one of [16 24 32]");
            made.Add((name, bytes));
        }
        return made;
    }

    static KmsProvider Plugin(JsonObject body, string at, HashSet<string> names, TimeProvider time)
    {
        Only(body, at + ".", "apiVersion", "name", "endpoint", "timeout", "cachesize");
        string version = Text(body, "apiVersion"), name = Text(body, "name"), endpoint = Text(body, "endpoint");
        if (version != "v2") throw new FormatException($"{at}.apiVersion: Invalid value: {FieldError.Quoted(version.Length == 0 ? "v1" : version)}: KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead");
        if (name.Length == 0) throw new FormatException($"{at}.name: Required value: the KMS provider's name is required");
        if (name.Contains(':', StringComparison.Ordinal)) throw new FormatException($"{at}.name: Invalid value: {FieldError.Quoted(name)}: invalid KMS provider name \":\"");
        if (!names.Add(name)) throw new FormatException($"{at}.name: Invalid value: {FieldError.Quoted(name)}: duplicate KMS provider name {name}, names must be unique");
        if (body.Contains("cachesize")) throw new FormatException($"{at}.cachesize: Invalid value: cachesize is not supported in v2");
        if (!endpoint.StartsWith("unix:///", StringComparison.Ordinal)) throw new FormatException($"{at}.endpoint: Invalid value: {FieldError.Quoted(endpoint)}: unsupported scheme, expected unix:///path");
        return new(name, endpoint, Timeout(Text(body, "timeout"), at), time);
    }

    static TimeSpan Timeout(string text, string at)
    {
        if (text.Length == 0) return TimeSpan.FromSeconds(3);
        if (Hanbae.Api.Duration.TryParse(text, out var duration) && duration.ToTimeSpan() is var timeout && timeout > TimeSpan.Zero) return timeout;
        throw new FormatException($"{at}.timeout: Invalid value: {FieldError.Quoted(text)}: should be a positive value such as 3s");
    }

    static string Text(JsonObject of, string name) => (of[name] as JsonString)?.Value ?? "";

    static void Only(JsonObject of, string at, params ReadOnlySpan<string> names)
    {
        foreach (var member in of)
            if (!names.Contains(member.Name)) throw new FormatException($"unknown field \"{at}{member.Name}\"");
    }
}
