using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Parameters of a StorageClass: those for the driver, and those with upstream's prefix, which are for who calls it.</summary>
sealed partial class ClassParameters
{
    const string Prefix = "csi.storage.k8s.io/";
    static readonly string[] s_secrets = ["provisioner", "controller-publish", "node-stage", "node-publish", "controller-expand", "node-expand"];

    readonly Map<string> _all;

    /// <exception cref="SecretException">A parameter of the prefix is none that is known.</exception>
    public ClassParameters(Map<string> parameters)
    {
        _all = parameters;
        foreach (var (key, _) in parameters)
            if (key.StartsWith(Prefix, StringComparison.Ordinal) && key[Prefix.Length..] is var own && own != "fstype" && !s_secrets.Any(s => own == s + "-secret-name" || own == s + "-secret-namespace"))
                throw new SecretException($"found unknown parameter key \"{key}\" with reserved namespace {Prefix}");
    }

    public IEnumerable<KeyValuePair<string, string>> Drivers => _all.Where(p => !p.Key.StartsWith(Prefix, StringComparison.Ordinal) && p.Key != "fstype");

    public string FsType => _all.TryGet(Prefix + "fstype", out string? own) ? own : _all["fstype"] ?? "";

    /// <param name="which">Such as <c>node-stage</c>.</param>
    /// <param name="claim">Null where there is none: templates of it are then refused.</param>
    /// <exception cref="SecretException">Only one half is given, or a template cannot be filled.</exception>
    public SecretReference? Secret(string which, string volume, PersistentVolumeClaim? claim)
    {
        bool named = _all.TryGet($"{Prefix}{which}-secret-name", out string? name), spaced = _all.TryGet($"{Prefix}{which}-secret-namespace", out string? ns);
        if (!named && !spaced) return null;
        if (!named || !spaced) throw new SecretException($"either name and namespace for {which} secrets specified, Both must be specified");
        return new() { Name = Fill(name!, volume, claim), Namespace = Fill(ns!, volume, claim) };
    }

    /// <summary>Upstream's templates: <c>${pv.name}</c>, <c>${pvc.name}</c>, <c>${pvc.namespace}</c>, <c>${pvc.annotations['x']}</c>.</summary>
    static string Fill(string template, string volume, PersistentVolumeClaim? claim) => Template().Replace(template, m => m.Groups[1].Value switch
    {
        "pv.name" => volume,
        "pvc.name" when claim is not null => claim.Metadata.Name,
        "pvc.namespace" when claim is not null => claim.Metadata.Namespace,
        var other when claim is not null && other.StartsWith("pvc.annotations['", StringComparison.Ordinal) && other.EndsWith("']", StringComparison.Ordinal)
            && claim.Metadata.Annotations.TryGet(other["pvc.annotations['".Length..^2], out string? note) => note,
        var other => throw new SecretException($"error resolving value \"{template}\": invalid token \"{other}\""),
    });

    [GeneratedRegex(@"\$\{([^}]*)\}")]
    private static partial Regex Template();
}
