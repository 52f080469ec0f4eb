using System.Collections.Immutable;
using Hanbae.Machinery.Validate;
using Hanbae.Server.ConfigFiles;
using Hanbae.Store.Encryption;

namespace Hanbae.Server.Encryption;

/// <summary>Reads an EncryptionConfiguration (apiserver.config.k8s.io/v1): which resources are encrypted in the store, by which keys.</summary>
public static class EncryptionConfiguration
{
    static readonly string[] s_providers = ["aesgcm", "aescbc", "secretbox", "identity", "kms"];

    /// <exception cref="FormatException">It is none, or says something that cannot be; the message says where.</exception>
    public static EncryptionRules Parse(string text, TimeProvider time)
    {
        var config = ConfigNode.Read(text);
        // Its name from before 1.13.
        if (!config.IsOf("EncryptionConfig", "v1")) config.Is("EncryptionConfiguration", "apiserver.config.k8s.io/v1");
        var resources = config.Objects("resources");
        if (resources.Count == 0) throw new FormatException("resources: Required value: at least one resource configuration is required");
        var rules = ImmutableArray.CreateBuilder<EncryptionRule>();
        var kms = new HashSet<string>();
        foreach (var one in resources)
        {
            string at = one.Where;
            var (names, list) = (one.Texts("resources"), one.Objects("providers"));
            if (names.Count == 0) throw new FormatException($"{at}.resources: Required value: at least one resource is required");
            if (list.Count == 0) throw new FormatException($"{at}.providers: Required value: at least one provider is required");
            rules.Add(new([.. names.Select((n, i) => Name(n, $"{at}.resources[{i}]"))], new([.. list.SelectMany(p => Provider(p, kms, time))])));
        }
        config.End();
        return new(rules.ToImmutable());
    }

    static string Name(string name, string at)
    {
        if (name.Length == 0) throw new FormatException($"{at}: must be a resource such as secrets or deployments.apps");
        if (name != name.ToLowerInvariant()) throw new FormatException($"{at}: Invalid value: {FieldError.Quoted(name)}: resource name should not contain capital letters");
        if (name == "*") throw new FormatException($"{at}: Invalid value: \"*\": use *.* for everything, *.group for a group, *. for the core group");
        if (name is "apiserveripinfo" or "serviceipallocations" or "servicenodeportallocations"
            || name.StartsWith("events.events.k8s.io", StringComparison.Ordinal) || name.EndsWith(".extensions", StringComparison.Ordinal))
            throw new FormatException($"{at}: Invalid value: {FieldError.Quoted(name)}: it cannot be encrypted; events and what was in extensions go by the names they are stored under");
        return name;
    }

    static IEnumerable<IValueProvider> Provider(ConfigNode one, HashSet<string> kms, TimeProvider time)
    {
        string[] kinds = [.. one.Names];
        foreach (string unknown in kinds.Where(k => !s_providers.Contains(k))) throw new FormatException($"unknown field \"{one.Where}.{unknown}\"");
        if (kinds is not [var kind])
        {
            string why = kinds.Length == 0
                ? "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
                : "more than one provider specified in a single element, should split into different list elements";
            throw new FormatException($"{one.Where}: Invalid value: {why}");
        }
        var body = one.Object(kind);
        return kind switch
        {
            "identity" => [new IdentityProvider()],
            "aesgcm" => Keys(body, 16, 24, 32).Select(k => (IValueProvider)new AesGcmProvider(k.Name, k.Secret)),
            "aescbc" => Keys(body, 16, 24, 32).Select(k => (IValueProvider)new AesCbcProvider(k.Name, k.Secret)),
            "kms" => [Plugin(body, kms, time)],
            _ => Keys(body, 32).Select(k => (IValueProvider)new SecretboxProvider(k.Name, k.Secret)),
        };
    }

    static List<(string Name, byte[] Secret)> Keys(ConfigNode body, params int[] sizes)
    {
        var keys = body.Objects("keys");
        if (keys.Count == 0) throw new FormatException($"{body.Where}.keys: Required value: at least one key is required");
        var made = new List<(string, byte[])>();
        foreach (var key in keys)
        {
            string here = key.Where, name = key.Text("name"), secret = key.Text("secret");
            if (name.Length == 0) throw new FormatException($"{here}.name: Required value: key name must be provided");
            if (name.Contains(':', StringComparison.Ordinal)) throw new FormatException($"{here}.name: Invalid value: {FieldError.Quoted(name)}: a name has no colon");
            if (secret.Length == 0) throw new FormatException($"{here}.secret: Required value: secret must be provided");
            byte[] bytes;
            try { bytes = System.Convert.FromBase64String(secret); }
            catch (FormatException) { throw new FormatException($"{here}.secret: Invalid value: \"REDACTED\": secret must be base64 encoded"); }
            if (!sizes.Contains(bytes.Length))
                throw new FormatException($"{here}.secret: Invalid value: \"REDACTED\": secret is not of the expected length, got {bytes.Length}, expected one of [{string.Join(' ', sizes)}]");
            made.Add((name, bytes));
        }
        return made;
    }

    static KmsProvider Plugin(ConfigNode body, HashSet<string> names, TimeProvider time)
    {
        string at = body.Where, version = body.Text("apiVersion"), name = body.Text("name"), endpoint = body.Text("endpoint");
        if (version != "v2")
            throw new FormatException($"{at}.apiVersion: Invalid value: {FieldError.Quoted(version.Length == 0 ? "v1" : version)}: "
                + "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead");
        if (name.Length == 0) throw new FormatException($"{at}.name: Required value: the KMS provider's name is required");
        if (name.Contains(':', StringComparison.Ordinal)) throw new FormatException($"{at}.name: Invalid value: {FieldError.Quoted(name)}: invalid KMS provider name \":\"");
        if (!names.Add(name)) throw new FormatException($"{at}.name: Invalid value: {FieldError.Quoted(name)}: duplicate KMS provider name {name}, names must be unique");
        if (body.Names.Contains("cachesize")) throw new FormatException($"{at}.cachesize: Invalid value: cachesize is not supported in v2");
        if (!endpoint.StartsWith("unix:///", StringComparison.Ordinal)) throw new FormatException($"{at}.endpoint: Invalid value: {FieldError.Quoted(endpoint)}: unsupported scheme, expected unix:///path");
        var timeout = body.Length("timeout") ?? TimeSpan.FromSeconds(3);
        return timeout > TimeSpan.Zero ? new(name, endpoint, timeout, time) : throw new FormatException($"{at}.timeout: Invalid value: {FieldError.Quoted(body.Text("timeout"))}: should be a positive value such as 3s");
    }
}
