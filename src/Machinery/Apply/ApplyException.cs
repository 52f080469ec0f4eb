namespace Hanbae.Machinery.Apply;

/// <summary>An object or a field set does not have the form that its schema or FieldsV1 asks for; the message is upstream's.</summary>
public sealed class ApplyException(string message) : Exception(message);
