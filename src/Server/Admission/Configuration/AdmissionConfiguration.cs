using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Server.Admission.Plugins;
using Hanbae.Server.Admission.PodSecurity;
using Hanbae.Server.ConfigFiles;

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
        var root = ConfigNode.Read(yaml, "AdmissionConfiguration", "apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1alpha1");
        var made = new AdmissionConfiguration();
        foreach (var plugin in root.Objects("plugins"))
        {
            string name = plugin.Text("name"), path = plugin.Text("path");
            if (!AdmissionCatalog.Names.Contains(name)) throw new FormatException($"plugins: \"{name}\" is unknown");
            try
            {
                var own = path.Length > 0 ? ConfigNode.Read(read(path))
                    : new(plugin.Value("configuration") switch { null => JsonObject.Empty, JsonObject o => o, _ => throw new FormatException("must be an object") }, "");
                made = With(made, name, own);
                own.End();
            }
            catch (FormatException e) { throw new FormatException($"plugins[{name}]: {e.Message}", e); }
        }
        root.End();
        return made;
    }

    static AdmissionConfiguration With(AdmissionConfiguration made, string name, ConfigNode own)
    {
        switch (name)
        {
            case "PodSecurity": return made with { PodSecurity = PodSecurityConfiguration.Of(own) };
            case "PodNodeSelector": return made with { NodeSelectors = (own.ObjectOrNull("podNodeSelectorPluginConfig") ?? own).AllTexts() };
            case "MutatingAdmissionWebhook": return made with { MutatingUsers = UsersOf(own) };
            case "ValidatingAdmissionWebhook": return made with { ValidatingUsers = UsersOf(own) };
        }
        // Of these upstream looks at the fields alone.
        _ = (own.Text("apiVersion"), own.Text("kind"));
        return name switch
        {
            "PodTolerationRestriction" => made with { DefaultTolerations = Tolerations.Parse(own.Value("default")), AllowedTolerations = Tolerations.Parse(own.Value("whitelist")) },
            "EventRateLimit" => made with { EventLimits = [.. own.Objects("limits").Select(LimitOf)] },
            "ImagePolicyWebhook" => made with { ImagePolicy = ImagePolicyOptions.Of(own.Object("imagePolicy")) },
            "ResourceQuota" => made with { LimitedResources = [.. own.Objects("limitedResources").Select(LimitedResource.Of)] },
            _ when own.IsEmpty => made,
            _ => throw new FormatException("takes no configuration"),
        };
    }

    static string UsersOf(ConfigNode own)
    {
        if (own.IsEmpty) return "";
        if (!own.IsOf("WebhookAdmission", "apiserver.config.k8s.io/v1alpha1")) own.Is("WebhookAdmissionConfiguration", "apiserver.config.k8s.io/v1");
        string file = own.Text("kubeConfigFile");
        return file.Length == 0 || Path.IsPathFullyQualified(file) ? file : throw new FormatException($"kubeConfigFile: Invalid value: \"{file}\": must be an absolute file path");
    }

    static EventLimit LimitOf(ConfigNode limit)
    {
        string type = limit.Text("type");
        if (type is not ("Server" or "Namespace" or "User" or "SourceAndObject"))
            throw new FormatException($"type: Unsupported value: \"{type}\": supported values: \"Namespace\", \"Server\", \"SourceAndObject\", \"User\"");
        var (qps, burst) = (limit.Number("qps"), limit.Number("burst"));
        if (qps <= 0) throw new FormatException("qps: must be positive");
        if (burst <= 0) throw new FormatException("burst: must be positive");
        return new(type, qps, (int)burst, limit.Number("cacheSize") is > 0 and var size ? (int)size : 4096);
    }
}
