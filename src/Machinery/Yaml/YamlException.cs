namespace Hanbae.Machinery.Yaml;

/// <summary>The text is not YAML, or YAML that no JSON can say; the message has go-yaml's form: <c>yaml: line 2: …</c>.</summary>
/// <remarks>The server shows the message as it is; clients put <c>error converting YAML to JSON: </c> before it.</remarks>
public sealed class YamlException(string message) : FormatException(message);
