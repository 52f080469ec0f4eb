using System.ComponentModel;
using System.Text.Json.Serialization;
using Hanbae.Client;

namespace Samples;

/// <summary>A web site: so many Pods of an image, open for so long.</summary>
public sealed record Website : CustomResource<Website, WebsiteSpec, WebsiteStatus>, ICustomResource<WebsiteSpec, WebsiteStatus>
{
    public static CustomKind<WebsiteSpec, WebsiteStatus> Definition { get; } =
        new("shop.example.com", "v1", "Website", WebsiteJson.Default.WebsiteSpec, WebsiteJson.Default.WebsiteStatus)
        {
            ShortNames = ["ws"],
            Columns = [new("Ready", ".status.ready", "integer"), new("Phase", ".status.phase")],
        };
}

public sealed record WebsiteSpec
{
    public required string Image { get; init; }
    public int Replicas { get; init; } = 1;
    [Description("Closes the site after so many days; it stays open without.")]
    public int? OpenDays { get; init; }
}

public sealed record WebsiteStatus
{
    public int Ready { get; init; }
    public string? Phase { get; init; }
}

/// <summary>The codec: System.Text.Json writes it when the program is built.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WebsiteSpec)), JsonSerializable(typeof(WebsiteStatus))]
public sealed partial class WebsiteJson : JsonSerializerContext;
