using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hanbae.Server.FlowControl;

/// <summary>What is applied to a FlowSchema's status: nothing but the one condition, so that others' stay.</summary>
sealed record FlowStatus(string ApiVersion, string Kind, FlowStatusName Metadata, FlowStatusConditions Status);

sealed record FlowStatusName(string Name);

sealed record FlowStatusConditions(IReadOnlyList<FlowStatusCondition> Conditions);

sealed record FlowStatusCondition(string Type, string Status, string LastTransitionTime, string Reason, string Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FlowStatus))]
[JsonSerializable(typeof(string))]
sealed partial class FlowJson : JsonSerializerContext;
