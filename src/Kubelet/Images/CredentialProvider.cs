using System.Security.Cryptography;
using Hanbae.Api.Json;
using Hanbae.Kubelet.Configuration;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Kubelet.Images;

/// <summary>A program of the node that knows logins of image registries (KEP-2133), as upstream's <c>CredentialProviderConfig</c> has it.</summary>
/// <param name="ApiVersion">Of what it is asked and answers.</param>
/// <param name="CacheDuration">How long an answer holds that does not say.</param>
sealed record CredentialProvider(string Name, string ApiVersion, Seq<string> MatchImages, TimeSpan CacheDuration, Seq<string> Arguments, Seq<(string Name, string Value)> Environment, ProviderToken? Token)
{
    const string Newest = "credentialprovider.kubelet.k8s.io/v1";
    static readonly string[] s_versions = [Newest, Newest + "alpha1", Newest + "beta1"];
    static readonly string[] s_fields = ["name", "apiVersion", "matchImages", "defaultCacheDuration", "args", "env", "tokenAttributes"];
    static readonly string[] s_tokenFields = ["serviceAccountTokenAudience", "cacheType", "requireServiceAccount", "requiredServiceAccountAnnotationKeys", "optionalServiceAccountAnnotationKeys"];

    /// <param name="path">A file, or a folder of files that are taken together.</param>
    /// <exception cref="FormatException">What is wrong with it.</exception>
    /// <exception cref="IOException"/>
    public static IReadOnlyList<CredentialProvider> Load(string path)
    {
        string[] files = Files(path);
        if (files.Length == 0) throw new FormatException($"no configuration files found in directory \"{path}\"");
        var all = new List<CredentialProvider>();
        var wrong = new List<string>();
        foreach (string file in files)
            try { all.AddRange(Parse(File.ReadAllText(file), wrong)); }
            catch (Exception e) when (e is FormatException or YamlException) { throw new FormatException($"error decoding config \"{file}\": {e.Message}", e); }
        if (all.Count == 0 && wrong.Count == 0) wrong.Add("providers: Required value: at least 1 item in plugins is required");
        if (all.GroupBy(p => p.Name).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new FormatException($"duplicate provider name \"{twice.Key}\" found in configuration file(s)");
        if (wrong.Count > 0) throw new FormatException("failed to validate credential provider config: " + (wrong.Count == 1 ? wrong[0] : $"[{string.Join(", ", wrong)}]"));
        return all;
    }

    static string[] Files(string path) => Directory.Exists(path) ? [.. Directory.GetFiles(path).Where(f => Path.GetExtension(f) is ".json" or ".yaml" or ".yml").Order(StringComparer.Ordinal)] : [path];

    /// <summary>Of what the files say, as figures tell it.</summary>
    /// <exception cref="IOException"/>
    public static string HashOf(string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Files(path)) hash.AppendData(File.ReadAllBytes(file));
        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    static IEnumerable<CredentialProvider> Parse(string yaml, List<string> wrong)
    {
        var root = YamlReader.Read(yaml) as JsonObject ?? throw new FormatException("the configuration is no object");
        if (ConfigurationValues.Text(root["kind"], "kind") is not "CredentialProviderConfig" and var kind) throw new FormatException($"failed to decode \"{kind}\" (wrong Kind)");
        if (ConfigurationValues.Text(root["apiVersion"], "apiVersion") is not ("kubelet.config.k8s.io/v1" or "kubelet.config.k8s.io/v1beta1" or "kubelet.config.k8s.io/v1alpha1") and var version)
            throw new FormatException($"no kind \"CredentialProviderConfig\" is registered for version \"{version}\"");
        Known(root, ["kind", "apiVersion", "providers"]);
        return [.. ConfigurationValues.Items(root["providers"] ?? JsonArray.Empty, "providers").Select(p => One(p, wrong))];
    }

    static CredentialProvider One(JsonObject from, List<string> wrong)
    {
        Known(from, s_fields);
        string name = ConfigurationValues.Text(from["name"], "providers.name"), version = ConfigurationValues.Text(from["apiVersion"], "providers.apiVersion");
        var images = from["matchImages"] is { } match and not JsonNull ? ConfigurationValues.Texts(match, "providers.matchImages") : default;
        if (name.Contains('/')) wrong.Add($"providers.name: Invalid value: \"{name}\": provider name cannot contain '/'");
        if (name.Contains(' ')) wrong.Add($"providers.name: Invalid value: \"{name}\": provider name cannot contain spaces");
        if (name is "." or "..") wrong.Add($"providers.name: Invalid value: \"{name}\": provider name cannot be '{name}'");
        if (version.Length == 0) wrong.Add("providers.apiVersion: Required value");
        else if (!s_versions.Contains(version)) wrong.Add($"providers.apiVersion: Unsupported value: \"{version}\": supported values: {string.Join(", ", s_versions.Select(v => $"\"{v}\""))}");
        if (images.IsEmpty) wrong.Add("providers.matchImages: Required value: at least 1 item in matchImages is required");
        var duration = from["defaultCacheDuration"] is { } given and not JsonNull ? ConfigurationValues.Time(given, "providers.defaultCacheDuration") : TimeSpan.Zero;
        if (from["defaultCacheDuration"] is null or JsonNull) wrong.Add("providers.defaultCacheDuration: Required value");
        if (duration < TimeSpan.Zero) wrong.Add($"providers.defaultCacheDuration: Invalid value: \"{Duration.From(duration)}\": defaultCacheDuration must be greater than or equal to 0");
        var environment = from["env"] is { } env and not JsonNull
            ? ConfigurationValues.Items(env, "providers.env").Select(e => (ConfigurationValues.Text(e["name"], "providers.env.name"), ConfigurationValues.Text(e["value"], "providers.env.value"))).ToSeq() : default;
        return new(name, version, images, duration, from["args"] is { } args and not JsonNull ? ConfigurationValues.Texts(args, "providers.args") : default, environment, TokenOf(from, version, wrong));
    }

    static ProviderToken? TokenOf(JsonObject provider, string version, List<string> wrong)
    {
        const string at = "providers.tokenAttributes";
        if (provider["tokenAttributes"] is not JsonObject from) return null;
        Known(from, s_tokenFields);
        string audience = ConfigurationValues.Text(from["serviceAccountTokenAudience"], at), cache = ConfigurationValues.Text(from["cacheType"], at + ".cacheType");
        bool? needed = from["requireServiceAccount"] is { } must and not JsonNull ? ConfigurationValues.Bool(must, at + ".requireServiceAccount") : null;
        var (required, optional) = (Keys("requiredServiceAccountAnnotationKeys"), Keys("optionalServiceAccountAnnotationKeys"));
        if (audience.Length == 0) wrong.Add(at + ".serviceAccountTokenAudience: Required value");
        if (needed is null) wrong.Add(at + ".requireServiceAccount: Required value");
        if (version != Newest) wrong.Add($"{at}: Forbidden: tokenAttributes is only supported for {Newest} API version");
        if (needed == false && !required.IsEmpty) wrong.Add(at + ".requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set");
        if (required.Where(k => optional.Contains(k)).Select(k => $"\"{k}\"").ToArray() is { Length: > 0 } both)
            wrong.Add($"{at}: Invalid value: [{string.Join(' ', both)}]: annotation keys cannot be both required and optional");
        if (cache.Length == 0) wrong.Add(at + ".cacheType: Required value: cacheType is required to be set when tokenAttributes is specified. Supported values are: ServiceAccount, Token");
        else if (cache is not ("ServiceAccount" or "Token")) wrong.Add($"{at}.cacheType: Unsupported value: \"{cache}\": supported values: \"ServiceAccount\", \"Token\"");
        return new(audience, cache == "Token", needed ?? true, required, optional);

        Seq<string> Keys(string name) => from[name] is { } keys and not JsonNull ? ConfigurationValues.Texts(keys, $"{at}.{name}") : default;
    }

    static void Known(JsonObject of, string[] names)
    {
        foreach (var (name, _) in of) if (!names.Contains(name)) throw new FormatException($"strict decoding error: unknown field \"{name}\"");
    }
}

/// <summary>A provider that is told for whom it is asked: by a token of the Pod's service account, and by annotations of that (KEP-4412).</summary>
/// <param name="KeptByToken">Its answers hold for one token only, rather than for all of the account.</param>
/// <param name="Needed">Without an account it is not asked.</param>
sealed record ProviderToken(string Audience, bool KeptByToken, bool Needed, Seq<string> Required, Seq<string> Optional);
