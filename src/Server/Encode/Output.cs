namespace Hanbae.Server.Encode;

public enum Format : byte { Json, Yaml, Protobuf }

/// <summary>What objects are turned into for a client.</summary>
public enum Shape : byte { Full, Table, Metadata }

/// <summary>The encoding that a client and the server agreed on.</summary>
/// <param name="IncludeObject">Of a table: Metadata, None or Object.</param>
/// <param name="MetaVersion">Of a table or metadata: v1, or v1beta1 which says the same under its own name.</param>
public sealed record Output(Format Format, Shape Shape = Shape.Full, bool Pretty = false, string IncludeObject = "Metadata", string MetaVersion = "v1")
{
    public static Output Json { get; } = new(Format.Json);

    /// <summary>What tables and metadata name as their apiVersion.</summary>
    public string MetaApiVersion => MetaVersion == "v1" ? "meta.k8s.io/v1" : "meta.k8s.io/v1beta1";

    public string ContentType => Format switch
    {
        Format.Protobuf => MediaTypes.Protobuf,
        Format.Yaml => MediaTypes.Yaml,
        _ => MediaTypes.Json,
    };

    public string WatchContentType => Format == Format.Protobuf ? MediaTypes.Protobuf + ";stream=watch" : MediaTypes.Json;
}

static class MediaTypes
{
    public const string Json = "application/json", Yaml = "application/yaml", Protobuf = "application/vnd.kubernetes.protobuf";
    public const string JsonPatch = "application/json-patch+json", MergePatch = "application/merge-patch+json", StrategicPatch = "application/strategic-merge-patch+json",
        ApplyPatch = "application/apply-patch+yaml";
    public static readonly string[] Bodies = [Json, Yaml, Protobuf];
}
