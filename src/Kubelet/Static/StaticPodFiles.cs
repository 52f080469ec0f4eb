using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Kubelet.Static;

/// <summary>Reads Pods from files of a folder, as the node's own: named after it, tolerating every taint that would end them.</summary>
static class StaticPodFiles
{
    /// <returns>The Pods by file; with what is wrong for files that hold none.</returns>
    public static IEnumerable<(string Path, Pod? Pod, string Error)> Read(string folder, string node)
    {
        if (!Directory.Exists(folder)) yield break;
        foreach (string path in Directory.EnumerateFiles(folder).Where(f => !Path.GetFileName(f).StartsWith('.')).Order(StringComparer.Ordinal))
        {
            Pod? pod = null;
            string error = "";
            try { pod = Parse(File.ReadAllBytes(path), path, node); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or InvalidDataException or YamlException) { error = e.Message; }
            yield return (path, pod, error);
        }
    }

    /// <exception cref="FormatException">It is no Pod.</exception>
    public static Pod Parse(byte[] content, string path, string node)
    {
        if (YamlReader.Read(content) is not JsonObject tree) throw new FormatException("the file holds no object");
        if ((tree["kind"] as JsonString)?.Value != "Pod") throw new FormatException("the file holds no Pod");
        var pod = (Pod)Defaults.Apply((Pod)Pod.Info.Decode(tree.ToUtf8()));
        if (pod.Metadata.Name.Length == 0) throw new FormatException("the Pod has no name");
        string hash = Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes($"host:{node}\0file:{path}\0"), .. content]).AsSpan(0, 16));
        string ns = pod.Metadata.Namespace.Length > 0 ? pod.Metadata.Namespace : "default";
        bool tolerant = pod.Spec.Tolerations.Exists(t => t is { Operator: "Exists", Effect: "NoExecute", Key: "" });
        return pod with
        {
            Metadata = pod.Metadata with
            {
                Name = pod.Metadata.Name + "-" + node, Namespace = ns, Uid = pod.Metadata.Uid.Length > 0 ? pod.Metadata.Uid : hash,
                Annotations = pod.Metadata.Annotations.With(Map.Of((StaticPods.HashAnnotation, hash), (StaticPods.SourceAnnotation, "file"))),
            },
            Spec = pod.Spec with { NodeName = node, Tolerations = tolerant ? pod.Spec.Tolerations : pod.Spec.Tolerations.Add(new() { Operator = "Exists", Effect = "NoExecute" }) },
            Status = new() { Phase = "Pending" },
        };
    }
}
