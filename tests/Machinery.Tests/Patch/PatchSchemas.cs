using Hanbae.Api.Schema;

namespace Hanbae.Machinery.Tests.Patch;

/// <summary>A small API of the shapes that strategic merge treats differently; names are those of the real fields.</summary>
static class PatchSchemas
{
    static FieldSchema Text(string name) => new(name, ValueKind.String);
    static FieldSchema Number(string name) => new(name, ValueKind.Int64);
    static FieldSchema Texts(string name) => new(name, ValueKind.String, Shape.List);
    static FieldSchema TextSet(string name) => new(name, ValueKind.String, Shape.List) { PatchMerge = true };
    static FieldSchema TextMap(string name) => new(name, ValueKind.String, Shape.Map);
    static FieldSchema One(string name, TypeSchema type) => new(name, ValueKind.Object, Shape.Single, () => type);
    static FieldSchema Many(string name, TypeSchema type) => new(name, ValueKind.Object, Shape.List, () => type);
    static FieldSchema Keyed(string name, TypeSchema type, string key) => new(name, ValueKind.Object, Shape.List, () => type) { PatchMerge = true, PatchMergeKey = key };

    static readonly TypeSchema _owner = new("Owner", [Text("uid"), Text("name"), Text("kind")]);
    static readonly TypeSchema _meta = new("ObjectMeta", [Text("name"), TextMap("labels"), TextMap("annotations"), TextSet("finalizers"), Keyed("ownerReferences", _owner, "uid")]);
    static readonly TypeSchema _keyRef = new("KeyRef", [Text("name"), Text("key")]);
    static readonly TypeSchema _source = new("EnvVarSource", [One("secretKeyRef", _keyRef), One("configMapKeyRef", _keyRef)]);
    static readonly TypeSchema _env = new("EnvVar", [Text("name"), Text("value"), One("valueFrom", _source)]);
    static readonly TypeSchema _port = new("Port", [Text("name"), Number("containerPort"), Number("port"), Text("protocol")]);
    static readonly TypeSchema _mount = new("VolumeMount", [Text("name"), Text("mountPath"), new("readOnly", ValueKind.Bool)]);
    static readonly TypeSchema _resources = new("Resources", [new("limits", ValueKind.Quantity, Shape.Map), new("requests", ValueKind.Quantity, Shape.Map)]);

    static readonly TypeSchema _container = new("Container", [Text("name"), Text("image"), Texts("command"), Texts("args"), Keyed("env", _env, "name"),
        Keyed("ports", _port, "containerPort"), Keyed("volumeMounts", _mount, "mountPath"), One("resources", _resources)]);

    static readonly TypeSchema _item = new("KeyToPath", [Text("key"), Text("path")]);
    static readonly TypeSchema _volume = new("Volume", [Text("name"), One("emptyDir", new("EmptyDir", [Text("medium")])), One("hostPath", new("HostPath", [Text("path"), Text("type")])),
        One("configMap", new("ConfigMap", [Text("name"), Many("items", _item)]))]);
    static readonly TypeSchema _toleration = new("Toleration", [Text("key"), Text("operator"), Text("effect")]);
    static readonly TypeSchema _strategy = new("Strategy", [Text("type"), One("rollingUpdate", new("RollingUpdate", [new("maxSurge", ValueKind.IntOrString)]))]);
    static readonly TypeSchema _reference = new("Reference", [Text("name")]);

    static readonly TypeSchema _spec = new("Spec", [
        Keyed("containers", _container, "name"),
        new("volumes", ValueKind.Object, Shape.List, () => _volume) { PatchMerge = true, PatchRetainKeys = true, PatchMergeKey = "name" },
        Many("tolerations", _toleration), TextMap("nodeSelector"), Keyed("imagePullSecrets", _reference, "name"), Text("restartPolicy"), Number("replicas"),
        new("strategy", ValueKind.Object, Shape.Single, () => _strategy) { PatchRetainKeys = true },
        Keyed("ports", _port, "port"), new("numbers", ValueKind.Int64, Shape.List) { PatchMerge = true },
        new("byName", ValueKind.Object, Shape.Map, () => _container), new("keyless", ValueKind.Object, Shape.List, () => _reference) { PatchMerge = true },
        One("template", new("Template", [One("metadata", _meta), new("spec", ValueKind.Object, Shape.Single, () => Recursive)]))]);

    static TypeSchema Recursive => _spec;

    public static TypeSchema Object { get; } = new("Object", [Text("apiVersion"), Text("kind"), One("metadata", _meta), One("spec", _spec)]);
}
