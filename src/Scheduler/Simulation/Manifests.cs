using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Schema;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Yaml;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Simulation;

/// <summary>Reads what <c>kubectl get -o yaml</c> or <c>-o json</c> prints, and manifests, into objects; kinds that have no say in where Pods go are passed over.</summary>
public static class Manifests
{
    static readonly Dictionary<(string Version, string Kind), Func<byte[], List<int>?, IObject>> s_kinds = new()
    {
        [("v1", "Pod")] = Read<Pod>, [("v1", "Node")] = Read<Node>, [("v1", "Namespace")] = Read<Namespace>, [("v1", "Service")] = Read<Service>,
        [("v1", "PersistentVolume")] = Read<PersistentVolume>, [("v1", "PersistentVolumeClaim")] = Read<PersistentVolumeClaim>,
        [("v1", "ReplicationController")] = Read<ReplicationController>,
        [("apps/v1", "Deployment")] = Read<Deployment>, [("apps/v1", "ReplicaSet")] = Read<ReplicaSet>,
        [("apps/v1", "StatefulSet")] = Read<StatefulSet>, [("apps/v1", "DaemonSet")] = Read<DaemonSet>,
        [("batch/v1", "Job")] = Read<Job>, [("batch/v1", "CronJob")] = Read<CronJob>, [("policy/v1", "PodDisruptionBudget")] = Read<PodDisruptionBudget>,
        [("storage.k8s.io/v1", "StorageClass")] = Read<StorageClass>, [("storage.k8s.io/v1", "CSINode")] = Read<CSINode>,
        [("storage.k8s.io/v1", "VolumeAttachment")] = Read<VolumeAttachment>, [("storage.k8s.io/v1", "CSIDriver")] = Read<CSIDriver>,
        [("storage.k8s.io/v1", "CSIStorageCapacity")] = Read<CSIStorageCapacity>,
        [("scheduling.k8s.io/v1", "PriorityClass")] = Read<Api.Scheduling.V1.PriorityClass>,
        [("resource.k8s.io/v1", "ResourceClaim")] = Read<ResourceClaim>, [("resource.k8s.io/v1", "ResourceClaimTemplate")] = Read<ResourceClaimTemplate>,
        [("resource.k8s.io/v1", "ResourceSlice")] = Read<ResourceSlice>, [("resource.k8s.io/v1", "DeviceClass")] = Read<DeviceClass>,
        [("resource.k8s.io/v1beta2", "DeviceTaintRule")] = Read<Api.Resource.V1beta2.DeviceTaintRule>,
    };

    /// <param name="text">YAML of one or more documents, or JSON; a List stands for its items.</param>
    /// <param name="strict">A person wrote it: kinds and fields that there are not are errors.</param>
    /// <exception cref="FormatException">It is neither, or an object is not as its kind has it.</exception>
    public static IReadOnlyList<IObject> Read(string text, bool strict = false)
    {
        List<IObject> objects = [];
        if (text.AsSpan().TrimStart().StartsWith("{")) Add(JsonValue.Parse(text));
        else
            foreach (string document in Documents(text))
                if (YamlReader.Read(document) is not JsonNull and var value) Add(value);
        return objects;

        void Add(JsonValue value)
        {
            if (value is not JsonObject o) throw new FormatException("there is something that is no object");
            string version = Text(o, "apiVersion"), kind = Text(o, "kind");
            if (kind.EndsWith("List", StringComparison.Ordinal) && o["items"] is JsonArray items)
            {
                // Items of a typed list need not say what they are.
                foreach (var item in items.Items)
                    Add(item is JsonObject i && i["kind"] is null ? i.With("apiVersion", version).With("kind", kind[..^4]) : item);
                return;
            }
            if (kind.Length == 0) throw new FormatException("an object has no kind");
            if (s_kinds.TryGetValue((version, kind), out var read)) objects.Add(Defaults.Apply(Placed(strict ? Strictly(o, kind, read) : read(o.ToUtf8(), null))));
            else if (strict) Known(version, kind);
        }
    }

    /// <exception cref="FormatException">It has a field that its kind has not.</exception>
    static IObject Strictly(JsonObject o, string kind, Func<byte[], List<int>?, IObject> read)
    {
        byte[] json = o.ToUtf8();
        List<int> unknown = [];
        var made = read(json, unknown);
        return unknown.Count == 0 ? made
            : throw new FormatException($"{kind} \"{made.Metadata.Name}\": " + string.Join(", ", StrictFields.Unknown(json, unknown).Select(f => $"unknown field \"{f}\"")));
    }

    /// <summary>What has no say in where Pods go may be there; what there is not may not.</summary>
    /// <exception cref="FormatException">No API has it, or Pods of it are not seen in this version.</exception>
    static void Known(string version, string kind)
    {
        if (GroupVersion.Parse(version) is not { } gv) throw new FormatException($"\"{version}\" of {kind} is no API version");
        // Groups of custom resources have a dot.
        if (gv.Group.Contains('.') && ApiData.Groups.All(g => g.Name != gv.Group)) return;
        if (s_kinds.Keys.FirstOrDefault(k => k.Kind == kind) is { Version: { } other })
            throw new FormatException($"{kind} of {version} is not understood here: write it for {other}");
        if (ApiData.Kind(gv.Kind(kind)) is null) throw new FormatException($"there is no kind \"{kind}\" in \"{version}\"");
    }

    static IEnumerable<string> Documents(string text)
    {
        var document = new StringBuilder();
        foreach (string line in text.Split('\n'))
        {
            if (!line.StartsWith("---", StringComparison.Ordinal)) { document.Append(line).Append('\n'); continue; }
            if (!string.IsNullOrWhiteSpace(document.ToString())) yield return document.ToString();
            document.Clear();
        }
        if (document.ToString().Split('\n').Any(l => l.Trim() is { Length: > 0 } t && t[0] != '#')) yield return document.ToString();
    }

    static string Text(JsonObject o, string name) => (o[name] as JsonString)?.Value ?? "";

    static T Read<T>(byte[] json, List<int>? unknown) where T : class, IObject<T>
    {
        var reader = new JsonReader(json, unknown);
        return T.ReadJson(ref reader);
    }

    /// <summary>In a namespace, when its kind has one; with a uid, as decisions need.</summary>
    static IObject Placed(IObject o)
    {
        var meta = o.Metadata;
        bool cluster = o is Node or Namespace or PersistentVolume or StorageClass or CSINode or VolumeAttachment or CSIDriver
            or Api.Scheduling.V1.PriorityClass or ResourceSlice or DeviceClass or Api.Resource.V1beta2.DeviceTaintRule;
        if (!cluster && meta.Namespace.Length == 0) meta = meta with { Namespace = "default" };
        if (meta.Uid.Length == 0) meta = meta with { Uid = $"{o.Kind().Kind}/{meta.Namespace}/{(meta.Name.Length > 0 ? meta.Name : meta.GenerateName)}" };
        return o.WithMetadata(meta);
    }

    /// <summary>A cluster made of the objects.</summary>
    public static ClusterView ToCluster(IReadOnlyCollection<IObject> objects)
    {
        IReadOnlyList<T> Of<T>() => [.. objects.OfType<T>()];
        return new()
        {
            Nodes = Of<Node>(), Pods = Of<Pod>(), Namespaces = Of<Namespace>(), Services = Of<Service>(),
            Claims = Of<PersistentVolumeClaim>(), Volumes = Of<PersistentVolume>(), Classes = Of<StorageClass>(), Capacities = Of<CSIStorageCapacity>(),
            CsiNodes = Of<CSINode>(), Attachments = Of<VolumeAttachment>(), Drivers = Of<CSIDriver>(),
            DeviceClaims = Of<ResourceClaim>(), ClaimTemplates = Of<ResourceClaimTemplate>(), Slices = Of<ResourceSlice>(),
            DeviceClasses = Of<DeviceClass>(), TaintRules = Of<Api.Resource.V1beta2.DeviceTaintRule>(),
            DaemonSets = Of<DaemonSet>(), ReplicaSets = Of<ReplicaSet>(), StatefulSets = Of<StatefulSet>(),
            ReplicationControllers = Of<ReplicationController>(), Budgets = Of<PodDisruptionBudget>(), Priorities = Of<Api.Scheduling.V1.PriorityClass>(),
        };
    }
}
