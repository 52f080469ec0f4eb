using Hanbae.Api.Json;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>Whom to ask about images, and how long answers hold.</summary>
/// <param name="KubeConfigFile">Says where the server is and how to talk to it.</param>
/// <param name="DefaultAllow">When nobody answers.</param>
public sealed record ImagePolicyOptions(string KubeConfigFile, TimeSpan AllowFor, TimeSpan DenyFor, TimeSpan RetryAfter, bool DefaultAllow)
{
    /// <summary>With upstream's defaults and bounds: -1 to remember nothing.</summary>
    internal static ImagePolicyOptions Of(JsonObject config)
    {
        static TimeSpan Seconds(JsonValue? value, double otherwise, string name, double most)
        {
            double seconds = ConfigValue.Number(value);
            if (seconds == 0) return TimeSpan.FromSeconds(otherwise);
            if (seconds < 0) return TimeSpan.Zero;
            return seconds <= most ? TimeSpan.FromSeconds(seconds) : throw new FormatException($"{name}: valid value is between 1s and {TimeSpan.FromSeconds(most)}");
        }
        string file = ConfigValue.Text(config["kubeConfigFile"]);
        if (file.Length == 0) throw new FormatException("imagePolicy.kubeConfigFile is required");
        double back = ConfigValue.Number(config["retryBackoff"]);
        return new(file, Seconds(config["allowTTL"], 300, "allowTTL", 1800), Seconds(config["denyTTL"], 30, "denyTTL", 1800), TimeSpan.FromMilliseconds(back > 0 ? back : 500), config["defaultAllow"] is JsonBool { Value: true });
    }
}
