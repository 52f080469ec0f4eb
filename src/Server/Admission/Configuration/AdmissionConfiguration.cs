using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Yaml;
using Hanbae.Server.Admission.Plugins;
using Hanbae.Server.Admission.PodSecurity;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>What plugins are told beyond being on: an <c>AdmissionConfiguration</c> of apiserver.config.k8s.io.</summary>
public sealed record AdmissionConfiguration
{
    public PodSecurityOptions PodSecurity { get; init; } = new();
    /// <summary>By namespace; under <c>clusterDefaultNodeSelector</c> that of all others.</summary>
    public IReadOnlyDictionary<string, string> NodeSelectors { get; init; } = new Dictionary<string, string>();
    public IReadOnlyList<Toleration> DefaultTolerations { get; init; } = [];
    public IReadOnlyList<Toleration> AllowedTolerations { get; init; } = [];
    public IReadOnlyList<EventLimit> EventLimits { get; init; } = [];
    public ImagePolicyOptions? ImagePolicy { get; init; }
    /// <summary>Kubeconfig files whose users the server is to the webhooks of either kind; empty for nobody.</summary>
    public string MutatingUsers { get; init; } = "";
    public string ValidatingUsers { get; init; } = "";
    public IReadOnlyList<LimitedResource> LimitedResources { get; init; } = [];

    /// <exception cref="FormatException">It is not such a configuration.</exception>
    /// <exception cref="IOException"/>
    public static AdmissionConfiguration Load(string file) => Parse(File.ReadAllText(file), path => File.ReadAllText(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, path)));

    /// <param name="read">Files that it names.</param>
    /// <exception cref="FormatException">It is not such a configuration.</exception>
    public static AdmissionConfiguration Parse(string yaml, Func<string, string> read)
    {
        var root = Tree(yaml, "AdmissionConfiguration", "apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1alpha1");
        var made = new AdmissionConfiguration();
        foreach (var plugin in ConfigValue.List(root["plugins"], "plugins"))
        {
            string name = ConfigValue.Text(plugin["name"]), path = ConfigValue.Text(plugin["path"]);
            if (!AdmissionCatalog.Names.Contains(name)) throw new FormatException($"plugins: \"{name}\" is unknown");
            var own = path.Length > 0 ? ConfigValue.Map(Yaml(read(path)), name) : ConfigValue.Map(plugin["configuration"], name);
            try { made = With(made, name, own); }
            catch (FormatException e) { throw new FormatException($"plugins[{name}]: {e.Message}", e); }
        }
        return made;
    }

    static AdmissionConfiguration With(AdmissionConfiguration made, string name, JsonObject own) => name switch
    {
        "PodSecurity" => made with { PodSecurity = PodSecurityConfiguration.Of(own) },
        "PodNodeSelector" => made with { NodeSelectors = ConfigValue.Texts(own["podNodeSelectorPluginConfig"] ?? own, name) },
        "PodTolerationRestriction" => made with { DefaultTolerations = Tolerations.Parse(own["default"]), AllowedTolerations = Tolerations.Parse(own["whitelist"]) },
        "EventRateLimit" => made with { EventLimits = [.. ConfigValue.List(own["limits"], "limits").Select(LimitOf)] },
        "ImagePolicyWebhook" => made with { ImagePolicy = ImagePolicyOptions.Of(ConfigValue.Map(own["imagePolicy"], "imagePolicy")) },
        "ResourceQuota" => made with { LimitedResources = [.. ConfigValue.List(own["limitedResources"], "limitedResources").Select(LimitedResource.Of)] },
        "MutatingAdmissionWebhook" => made with { MutatingUsers = UsersOf(own) },
        "ValidatingAdmissionWebhook" => made with { ValidatingUsers = UsersOf(own) },
        _ when own.Count == 0 => made,
        _ => throw new FormatException("takes no configuration"),
    };

    static string UsersOf(JsonObject own)
    {
        if (own.Count == 0) return "";
        string kind = ConfigValue.Text(own["kind"]), version = ConfigValue.Text(own["apiVersion"]);
        if ((kind, version) is not (("WebhookAdmissionConfiguration", "apiserver.config.k8s.io/v1") or ("WebhookAdmission", "apiserver.config.k8s.io/v1alpha1")))
            throw new FormatException($"no kind \"{kind}\" in version \"{version}\": WebhookAdmissionConfiguration of apiserver.config.k8s.io/v1 is wanted");
        string file = ConfigValue.Text(own["kubeConfigFile"]);
        return file.Length == 0 || Path.IsPathFullyQualified(file) ? file : throw new FormatException($"kubeConfigFile: Invalid value: \"{file}\": must be an absolute file path");
    }

    static EventLimit LimitOf(JsonObject limit)
    {
        string type = ConfigValue.Text(limit["type"]);
        if (type is not ("Server" or "Namespace" or "User" or "SourceAndObject")) throw new FormatException($"type: Unsupported value: \"{type}\": supported values: \"Namespace\", \"Server\", \"SourceAndObject\", \"User\"");
        var (qps, burst) = (ConfigValue.Number(limit["qps"]), ConfigValue.Number(limit["burst"]));
        if (qps <= 0) throw new FormatException("qps: must be positive");
        if (burst <= 0) throw new FormatException("burst: must be positive");
        return new(type, qps, (int)burst, ConfigValue.Number(limit["cacheSize"]) is > 0 and var size ? (int)size : 4096);
    }

    static JsonObject Yaml(string text)
    {
        try { return YamlReader.Read(text) as JsonObject ?? throw new FormatException("not an object"); }
        catch (YamlException e) { throw new FormatException(e.Message, e); }
    }

    internal static JsonObject Tree(string yaml, string kind, params ReadOnlySpan<string> versions)
    {
        var root = Yaml(yaml);
        if (ConfigValue.Text(root["kind"]) != kind || !versions.Contains(ConfigValue.Text(root["apiVersion"]))) throw new FormatException($"no kind \"{ConfigValue.Text(root["kind"])}\" in version \"{ConfigValue.Text(root["apiVersion"])}\": {kind} of {versions[0]} is wanted");
        return root;
    }
}
